"""What MLflow's client sees of webhooks, and what a receiver on loopback is sent."""
import base64
import hashlib
import hmac
import json
import mlflow
import os
import re
import requests
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mlflow import MlflowClient

uri = os.environ["MLFLOW_TRACKING_URI"]
client = MlflowClient()
got = []
answer = {"status": 200}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        got.append((self.headers, body))
        self.send_response(answer["status"])
        self.end_headers()
        self.wfile.write(b"thanks")

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/hook"
told = {}


def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
        return "allowed"
    except mlflow.exceptions.MlflowException as error:
        return error.error_code


def raw(method, path, body=None, **more):
    reply = requests.request(method, f"{uri}/api/2.0/mlflow/{path}", json=body, **more)
    return [reply.status_code, reply.json().get("error_code")]


def shown(webhook):
    events = sorted(str(event) for event in webhook.events)
    return [webhook.name, webhook.url == url, events, webhook.description, str(webhook.status), webhook.secret]


def signed(headers, body, secret):
    delivery, timestamp = headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"]
    digest = hmac.new(secret.encode(), f"{delivery}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    fresh = abs(time.time() - int(timestamp)) < 60
    uuid = re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", delivery) is not None
    return [headers["X-MLflow-Signature"] == "v1," + base64.b64encode(digest).decode(), fresh, uuid]


def sent(call, count=1):
    """What the receiver is sent because of a call, as bytes but for the time."""
    before = len(got)
    call()
    deadline = time.time() + 20
    while len(got) < before + count and time.time() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    return [re.sub(r'"timestamp": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"', '"timestamp": "T"', body) for _, body in got[before:]]


every = [
    "registered_model.created", "model_version.created", "model_version_tag.set", "model_version_tag.deleted",
    "model_version_alias.created", "model_version_alias.deleted", "prompt.created", "prompt_version.created",
    "prompt_tag.set", "prompt_tag.deleted", "prompt_version_tag.set", "prompt_version_tag.deleted",
    "prompt_alias.created", "prompt_alias.deleted",
]
webhook = client.create_webhook("all", url, every, description="tells all", secret="not a whsec")
told["created"] = shown(webhook)
told["got"] = shown(client.get_webhook(webhook.webhook_id))
told["tested"] = {}
for event in every:
    result = client.test_webhook(webhook.webhook_id, event)
    told["tested"][event] = [result.success, result.response_status, result.response_body, json.loads(got[-1][1])["data"]]
told["test of the first"] = client.test_webhook(webhook.webhook_id).success
told["signed"] = signed(*got[-1], "not a whsec")
told["content type"] = got[-1][0]["Content-Type"]

told["model"] = sent(lambda: client.create_registered_model("flights", tags={"team": "ä \"b\""}, description="Wie spät?"))
told["plain model"] = sent(lambda: client.create_registered_model("plain"))
told["model tag"] = sent(lambda: client.set_registered_model_tag("flights", "a", "b"), 0)
run = client.create_run("0").info.run_id
told["version"] = [
    text.replace(run, "RUN")
    for text in sent(lambda: client.create_model_version("flights", "s3://bucket/model", run_id=run, tags={"k": "v"}, description="first"))
]
told["bare version"] = sent(lambda: client.create_model_version("flights", "s3://bucket/model"))
told["version tag"] = sent(lambda: client.set_model_version_tag("flights", "1", "stage", "x" * 3000))
told["version tag gone"] = sent(lambda: client.delete_model_version_tag("flights", "1", "stage"))
told["alias"] = sent(lambda: client.set_registered_model_alias("flights", "champion", 1))
told["alias moved"] = sent(lambda: client.set_registered_model_alias("flights", "champion", 2))
told["alias gone"] = sent(lambda: client.delete_registered_model_alias("flights", "champion"))
told["prompt"] = sorted(sent(lambda: mlflow.genai.register_prompt("greeting", "Hello {{name}}! " + "long " * 500, commit_message="hi", tags={"lang": "en"}), 3))
told["prompt tag"] = sent(lambda: client.set_prompt_tag("greeting", "a", "b"))
told["prompt tag gone"] = sent(lambda: client.delete_prompt_tag("greeting", "a"))
told["prompt version tag"] = sent(lambda: client.set_prompt_version_tag("greeting", 1, "a", "b"))
told["prompt version tag gone"] = sent(lambda: client.delete_prompt_version_tag("greeting", 1, "a"))
told["prompt alias"] = sent(lambda: client.set_prompt_alias("greeting", "live", 1))
told["prompt alias gone"] = sent(lambda: client.delete_prompt_alias("greeting", "live"))

answer["status"] = 404
result = client.test_webhook(webhook.webhook_id)
told["refused by the receiver"] = [result.success, result.response_status, result.response_body]
answer["status"] = 200

updated = client.update_webhook(webhook.webhook_id, name="fewer", description="tells less", events=["model_version.created"], status="DISABLED")
told["updated"] = shown(updated)
told["disabled"] = sent(lambda: client.create_model_version("flights", "s3://bucket/model"), 0)
told["still tested"] = client.test_webhook(webhook.webhook_id).success
client.update_webhook(webhook.webhook_id, status="ACTIVE", secret="another")
told["enabled"] = len(sent(lambda: client.create_model_version("flights", "s3://bucket/model")))
told["signed anew"] = signed(*got[-1], "another")
told["description emptied"] = shown(client.update_webhook(webhook.webhook_id, description=""))

unsigned = client.create_webhook("unsigned", url, ["registered_model.created"], status="DISABLED")
told["unsigned"] = [shown(unsigned), client.test_webhook(unsigned.webhook_id).success, "X-MLflow-Signature" in got[-1][0]]
told["listed"] = [each.name for each in client.list_webhooks()]
first = client.list_webhooks(max_results=1)
second = client.list_webhooks(max_results=1, page_token=first.token)
told["pages"] = [[each.name for each in first], [each.name for each in second], second.token]
client.delete_webhook(unsigned.webhook_id)
told["deleted"] = [refused(client.get_webhook, unsigned.webhook_id), [each.name for each in client.list_webhooks()]]

event = [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]
told["refused"] = {
    "no name": raw("POST", "webhooks", {"url": url, "events": event}),
    "no url": raw("POST", "webhooks", {"name": "a", "events": event}),
    "no events": raw("POST", "webhooks", {"name": "a", "url": url}),
    "empty events": raw("POST", "webhooks", {"name": "a", "url": url, "events": []}),
    "bad names": [refused(client.create_webhook, name, url, ["prompt.created"]) for name in ("", "-a", "a b", "a" * 64, "a/b", "ä")],
    "good names": [refused(client.create_webhook, name, url, ["prompt.created"]) for name in ("A", "a" * 63, "a.b_c-d", "A")],
    "bad urls": [refused(client.create_webhook, "a", bad, ["prompt.created"]) for bad in ("ftp://a.example", "file:///a", "nothing", "http://", " ")],
    "bad pair": raw("POST", "webhooks", {"name": "a", "url": url, "events": [{"entity": "REGISTERED_MODEL", "action": "DELETED"}]}),
    "bad status": refused(client.update_webhook, webhook.webhook_id, status="ACTIVE"),
    "absent": [refused(call, "absent") for call in (client.get_webhook, client.delete_webhook, client.test_webhook)],
    "update absent": refused(client.update_webhook, "absent", name="b"),
    "too many": [raw("GET", "webhooks", params={"max_results": count})[0] for count in (1001, -1)],
    "bad token": raw("GET", "webhooks", params={"page_token": "rubbish"}),
}
print(json.dumps(told))
