// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// What another thread will have found.
final class Promise<Value: Sendable>: Sendable {
    struct TooLate: Error {}

    private let result = Mutex<Result<Value, any Error>?>(nil)

    func fulfil(_ value: Result<Value, any Error>) { result.withLock { $0 = value } }

    func value(within seconds: Double) throws -> Value {
        _ = try eventually(within: seconds) { result.withLock { $0 != nil } }
        guard let found = result.withLock({ $0 }) else { throw TooLate() }
        return try found.get()
    }
}
