"""Takes each message for the listener `approver` with 202, and prints how a person answers it."""
import base64, hashlib, hmac, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

SECRET = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "whsec_ZXhhbXBsZS1vbmx5LW1ha2UteW91ci1vd24tc2VjcmV0")[len("whsec_"):])
ANSWER = "<Decision><Approved>true</Approved><By>me</By></Decision>"


def is_from_agentserver(headers, body):
    """https://www.standardwebhooks.com: HMAC-SHA-256 over id.timestamp.body, at most 5 minutes old."""
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
        return False
    signature = hmac.new(SECRET, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(signature).decode()
    return any(hmac.compare_digest(expected, s) for s in headers.get("webhook-signature", "").split())


class Approver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_from_agentserver(self.headers, body):
            return self.answer(401)
        payment = ElementTree.fromstring(body).find("Payment")
        print(f"\n{payment.findtext('Amount')} to {payment.findtext('To')}, by {self.headers['agentserver-respond-by']}? Then:\n"
              f"curl -sS \"$AGENTSERVER_URL/v1/respond/{self.headers['agentserver-respond-token']}\""
              f" -H 'Content-Type: application/xml' -d '{ANSWER}'", flush=True)
        self.answer(202)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 9901))), Approver)
    print(f"approver answers at http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
