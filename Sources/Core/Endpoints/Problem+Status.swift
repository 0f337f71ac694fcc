// SPDX-License-Identifier: Apache-2.0
package import LucarneCore

extension Problem {
    /// The one place where a problem becomes a status. Whoever has not said who they are is asked
    /// to (401); whoever has is told that it is not enough (403).
    package func status(isAnonymous: Bool) -> Int {
        switch kind {
        case .invalidInput: 400
        case .unauthenticated: 401
        case .forbidden: isAnonymous ? 401 : 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .conflict: 409
        case .ambiguous: 300
        case .rangeNotSatisfiable: 416
        case .tooLarge: 413
        case .unsupportedMediaType: 415
        case .overloaded, .unavailable: 503
        case .timedOut: 504
        // Nobody reads it: the caller has left (nginx's word for it).
        case .cancelled: 499
        case .internalFailure: 500
        }
    }
}
