// SPDX-License-Identifier: Apache-2.0
import EventLoop

/// A session that is somebody's until they give it back. Let go of otherwise, it is not used
/// again: nobody knows what it was in the middle of.
package final class Lease {
    package let session: Session
    private var release: (@Sendable () -> Void)?

    init(_ session: Session, release: @escaping @Sendable () -> Void) {
        self.session = session
        self.release = release
    }

    package func end() {
        release?()
        release = nil
    }

    deinit {
        guard let release else { return }
        session.loop.perform { [session] in
            session.close()
            release()
        }
    }
}
