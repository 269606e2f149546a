"""Answers the listener `counter`: checks the signature of each message, counts its words."""
import base64, hashlib, hmac, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

SECRET = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "whsec_ZXhhbXBsZS1vbmx5LW1ha2UteW91ci1vd24tc2VjcmV0")[len("whsec_"):])


def is_from_agentserver(headers, body):
    """https://www.standardwebhooks.com: HMAC-SHA-256 over id.timestamp.body, at most 5 minutes old."""
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
        return False
    signature = hmac.new(SECRET, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(signature).decode()
    return any(hmac.compare_digest(expected, s) for s in headers.get("webhook-signature", "").split())


class Counter(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_from_agentserver(self.headers, body):
            return self.answer(401, b"")
        text = ElementTree.fromstring(body).findtext("Text/Body", "")
        self.answer(200, f"<WordCount><Words>{len(text.split())}</Words></WordCount>".encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 9900))), Counter)
    print(f"counter answers at http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
