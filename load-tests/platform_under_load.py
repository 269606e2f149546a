"""The platform as its clients see it: where it is, tenants made by the operator's key, one exchange over HTTP."""
import collections
import datetime
import json
import os
import pathlib
import re
import time
import uuid

import gevent
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError

ORGANISM = """\
organism: {name: benchmark}
listeners:
  - name: echo
    description: Answers with what it got.
    handler: builtin:echo
    payload: {root: Ping, fields: {Text: string}}
"""
DEV = pathlib.Path(".agentserver/dev.env")

Where = collections.namedtuple("Where", "url admin_key")
Tenant = collections.namedtuple("Tenant", "id key")


def find(host):
    """By --host, else the environment, else the dev that runs in this directory."""
    settings = {}
    if DEV.exists():
        settings.update(line.split("=", 1) for line in DEV.read_text().splitlines() if "=" in line)
    settings.update(os.environ)
    url = host or settings.get("AGENTSERVER_URL")
    if not url:
        raise SystemExit("no platform: start ./agentserver dev and run this in the same directory, or give --host")
    return Where(url.rstrip("/"), settings.get("AGENTSERVER_ADMIN_KEY"))


def client(url, connections, network_timeout):
    return HTTPClient.from_url(url, concurrency=connections, connection_timeout=10, network_timeout=network_timeout)


def exchange(client, method, path, headers, body=""):
    """Status and text; any answer that is not whole is an OSError."""
    try:
        response = client.request(method, path, body=body, headers=headers)
        try:
            text = response.read().decode("utf-8", "replace")
            if not response.message_complete:
                raise OSError("the answer was cut off")
            return response.status_code, text
        finally:
            response.release()
    except HTTPParseError as e:
        raise OSError(str(e)) from e


def tenants(where, client, count, file):
    """Each with its key and the organism of this benchmark, and each has answered once."""
    known = pathlib.Path(file) if file else None
    if known and known.exists():
        made = [Tenant(entry["id"], entry["api_key"]) for entry in json.loads(known.read_text())]
    else:
        if not where.admin_key:
            raise SystemExit("no operator's key: set AGENTSERVER_ADMIN_KEY, or give --tenants-file")
        made = [new_tenant(where, client) for _ in range(count)]
        if known:
            known.touch(mode=0o600)
            known.write_text(json.dumps([{"id": tenant.id, "api_key": tenant.key} for tenant in made]))
    for ready in [gevent.spawn(prepare, client, tenant) for tenant in made]:
        ready.get()
    return made


def new_tenant(where, client):
    id = "load-" + uuid.uuid4().hex[:12]
    headers = {"Authorization": "Bearer " + where.admin_key, "Content-Type": "application/json"}
    body = json.dumps({"id": id, "name": "Load test", "plan": "dev"})  # its credit and limits are not what is measured
    status, answer = exchange(client, "POST", "/admin/v1/tenants", headers, body)
    if status != 201:
        raise SystemExit(f"POST /admin/v1/tenants: {status} {answer}")
    return Tenant(id, json.loads(answer)["api_key"])


def prepare(client, tenant):
    key = {"Authorization": "Bearer " + tenant.key}
    until = time.monotonic() + 10  # a new key works on every pod within 5 s
    while True:
        status, answer = exchange(client, "PUT", "/v1/organism", {**key, "Content-Type": "application/yaml"}, ORGANISM)
        if status == 200:
            break
        if status != 401 or time.monotonic() > until:
            raise SystemExit(f"PUT /v1/organism of {tenant.id}: {status} {answer}")
        gevent.sleep(0.2)
    headers = {**key, "Content-Type": "application/xml", "Prefer": "wait=30"}
    status, answer = exchange(client, "POST", "/v1/messages", headers, envelope("first", ""))
    if status != 200:
        raise SystemExit(f"the first message of {tenant.id}: {status} {answer}")


def envelope(text, fill):
    return (
        '<message xmlns="https://xml-pipeline.org/ns/envelope/v1"><meta><from>bench</from><to>echo</to></meta>'
        f'<Ping xmlns=""><Text>{text} {fill}</Text></Ping></message>'
    )


def conversation_of(status, body, text):
    """The conversation of a message that was accepted (202, JSON) or has its answer (200, an envelope); else a ValueError."""
    if status == 202:
        return json.loads(body)["thread_id"]
    found = re.search(r"<thread>([^<]+)</thread>", body)  # an answer's own thread is the root, as nobody forwards here
    if status != 200 or text not in body or not found:
        raise ValueError(f"{status} {body[:200]}")
    return found.group(1)


def answered_at(client, tenant, thread, text):
    """When the slot with echo's answer was journalled, in s since 1970; None while there is none."""
    status, body = exchange(client, "GET", f"/v1/threads/{thread}/messages", {"Authorization": "Bearer " + tenant.key})
    if status != 200:
        raise OSError(f"GET /v1/threads/{thread}/messages: {status} {body[:200]}")
    for slot in json.loads(body)["data"]:
        if slot["from"] == "echo" and text in slot["envelope"]:
            return datetime.datetime.fromisoformat(slot["at"].replace("Z", "+00:00")).timestamp()
    return None
