# SPDX-License-Identifier: Apache-2.0
"""Another instance, as it were, of a server's metrics, which knows the classic format alone: classic.py PORT URL."""
import http.server, sys, urllib.request


class Instance(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = urllib.request.Request(sys.argv[2], headers={"Accept": "text/plain;version=0.0.4"})
        body = urllib.request.urlopen(answer).read()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Instance).serve_forever()
