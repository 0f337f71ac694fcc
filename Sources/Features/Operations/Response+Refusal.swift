// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import Telemetry

extension Response {
    /// A refusal. What it looks like depends on who asks: the route, which knows that, shapes it.
    init(status: Int, code: String? = nil, problem: String) {
        let (type, usual) =
            switch status {
            case 400: ("invalid_input", "bad_request")
            case 401: ("unauthenticated", "unauthenticated")
            case 403: ("forbidden", "forbidden")
            case 404: ("not_found", "not_found")
            case 409: ("conflict", "busy")
            case 503: ("overloaded", "busy")
            default: ("unavailable", "unsupported")
            }
        let failure = Failure(type: type, code: code ?? usual, message: problem)
        self.init(status: status, failure: failure)
    }

    /// In the router's form, for the listener has one; to a browser as a page, with what was typed.
    func refused(_ request: Request, _ asking: Asking?) -> Response {
        guard let failure else { return self }
        var refusal = Refusal(
            status: status,
            code: failure.code,
            type: failure.type,
            message: failure.message
        )
        refusal.trace = request.trace
        var response = Response(neutral: refusal)
        if request.prefers("text/html") {
            let page = Response(html: RefusalPage.page(refusal, request, asking))
            for field in ["Content-Type", "Content-Security-Policy"] {
                page.headers[field].map { response.headers.set(field, $0) }
            }
            response.body = page.body
        }
        response.headers.append(contentsOf: headers)
        response.failure = failure
        return response
    }
}

/// What a page can be asked in its address. Anything else is refused: whoever misspelt what narrows
/// something down would take everything for the answer.
struct Asking: Sendable {
    let title: String
    let names: [String]
    /// A filter, where there is one to type.
    var example: String?

    private static let records = "level>=warning and logger=sql"

    static let logs = Asking(title: "Records", names: ["q", "limit"], example: records)
    static let tail = Asking(title: "Records", names: ["q"], example: records)
    static let trace = Asking(title: "Trace", names: ["format"])
    static let traces = Asking(
        title: "Traces",
        names: ["q", "route", "min_ms", "error", "limit"],
        example: "status>=500 or duration>100"
    )

    func check(_ request: Request) throws(ParameterFailure) {
        guard let name = request.parameterNames.first(where: { !names.contains($0) }) else {
            return
        }
        let known = names.joined(separator: ", ")
        throw ParameterFailure(name: name, expected: "is not known here; \(known) can be asked")
    }
}

/// For who reads rather than parses.
private enum RefusalPage {
    static func page(_ refusal: Refusal, _ request: Request, _ asking: Asking?) -> String {
        let typed = (try? request.parameter("q")) ?? nil ?? ""
        let form = refusal.status != 400 ? nil : asking?.example.map { HTML.form(typed, $0) }
        return HTML.page(
            asking?.title ?? request.path,
            """
            \(form ?? "")
            <p class="bad">\(HTML.text(refusal.message))</p>
            <p class="soft">\(refusal.status) <code>\(refusal.code)</code>, trace \
            <code>\(request.trace.context.traceIDText)</code></p>
            """
        )
    }
}
