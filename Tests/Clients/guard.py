# SPDX-License-Identifier: Apache-2.0
"""Lets those through to a server who have its token: guard.py PORT URL TOKEN."""
import http.server, sys, urllib.error, urllib.request


class Guard(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers["Authorization"] != f"Bearer {sys.argv[3]}":
            return self.answer(401, b"who are you?\n")
        try:
            with urllib.request.urlopen(sys.argv[2] + self.path) as reply:
                self.answer(reply.status, reply.read())
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.read())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Guard).serve_forever()
