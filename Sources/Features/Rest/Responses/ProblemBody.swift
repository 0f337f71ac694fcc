// SPDX-License-Identifier: Apache-2.0
import JSONCoding
package import LucarneCore

/// A problem as the dialect writes it: compact JSON, the keys in this order.
package enum ProblemBody {
    package static func encode(_ problem: Problem, isVerbose: Bool) -> [UInt8] {
        var out = Array("{\"code\":".utf8)
        appendJSONString(problem.code, to: &out)
        if isVerbose {
            out.append(contentsOf: ",\"details\":".utf8)
            // An ambiguous embedding lists its candidates: those details are JSON already.
            if problem.code == "PGRST201", let details = problem.details {
                out.append(contentsOf: details.utf8)
            } else {
                append(problem.details, to: &out)
            }
            out.append(contentsOf: ",\"hint\":".utf8)
            append(problem.hint, to: &out)
        }
        out.append(contentsOf: ",\"message\":".utf8)
        appendJSONString(problem.message, to: &out)
        out.append(UInt8(ascii: "}"))
        return out
    }

    private static func append(_ text: String?, to out: inout [UInt8]) {
        guard let text else {
            out.append(contentsOf: "null".utf8)
            return
        }
        appendJSONString(text, to: &out)
    }
}
