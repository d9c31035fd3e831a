"""OpenTelemetry's own SDK and exporter, and the wire by hand, read back through MLflow's client."""
import gzip, json, os, zlib
import mlflow, requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Status, StatusCode

URL = os.environ['MLFLOW_TRACKING_URI']
mlflow.set_tracking_uri(URL)
client = mlflow.MlflowClient()
experiment = client.create_experiment('otel')
run = client.create_run(experiment)
told = {}


def whole(trace_id):
    trace = client.get_trace(trace_id)
    info = trace.info
    tags = {k: v for k, v in info.tags.items() if k not in ('mlflow.artifactLocation', 'service.instance.id')}
    metadata = {k: v for k, v in info.trace_metadata.items()}
    return {
        'state': info.state.value, 'request': info.request_preview, 'response': info.response_preview, 'tags': tags, 'metadata': metadata,
        'time': info.request_time > 0, 'duration': info.execution_duration is not None,
        'spans': [[s.name, s.span_type, s.status.status_code.value, s.status.description, {k: v for k, v in s.attributes.items() if k != 'mlflow.traceRequestId'},
                   {k: type(v).__name__ for k, v in s.attributes.items()},
                   [[e.name, {k: v for k, v in e.attributes.items() if 'stack' not in k}] for e in s.events], [l.attributes for l in s.links]] for s in trace.data.spans],
    }


for name, compression in (('plain', Compression.NoCompression), ('gzip', Compression.Gzip), ('deflate', Compression.Deflate)):
    provider = TracerProvider(resource=Resource.create({'service.name': f'shop-{name}', 'host.cpus': 4, 'ports': [1, 2]}))
    exporter = OTLPSpanExporter(endpoint=f'{URL}/v1/traces', headers={'x-mlflow-experiment-id': experiment, 'x-mlflow-run-id': run.info.run_id}, compression=compression)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer('test')
    with tracer.start_as_current_span('request', attributes={'input.value': '{"q": "hi"}', 'output.value': 'bye', 'openinference.span.kind': 'CHAIN', 'session.id': 's9', 'user.id': 'ada',
                                                             'mlflow.traceTag.color': 'red', 'count': 3, 'ratio': 2.0, 'yes': True, 'names': ['a', 'b']}) as root:
        trace_id = 'tr-%032x' % root.get_span_context().trace_id
        with tracer.start_as_current_span('chat', links=[Link(root.get_span_context(), {'why': 'x'})], attributes={
                'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'tiny', 'gen_ai.provider.name': 'nobody', 'gen_ai.usage.input_tokens': 11, 'gen_ai.usage.output_tokens': 5,
                'gen_ai.input.messages': '[{"role": "user", "content": "hi"}]'}) as child:
            child.add_event('token', {'n': 1})
        with tracer.start_as_current_span('tool') as child:
            child.record_exception(ValueError('boom'))
            child.set_status(Status(StatusCode.ERROR, 'boom'))
    provider.shutdown()
    told[name] = whole(trace_id)
    told[f'{name} of the run'] = [t.info.trace_id == trace_id for t in client.search_traces(locations=[experiment], filter_string=f"run_id = '{run.info.run_id}' AND request_id = '{trace_id}'")]

# Spans in two deliveries, the child first; the second time with more tokens
KEY = 'mlflow.chat.tokenUsage'


def post(body, content_type='application/json', **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = requests.post(f'{URL}/v1/traces', data=data, headers={'content-type': content_type, 'x-mlflow-experiment-id': experiment, **{k.replace('_', '-'): v for k, v in headers.items()}})
    return answer.status_code


def spans(*given):
    return {'resourceSpans': [{'resource': {'attributes': [{'key': 'service.name', 'value': {'stringValue': 'by hand'}}]}, 'scopeSpans': [{'spans': list(given)}]}]}


def one(trace_id, span_id, parent=None, start=1_700_000_000_000_000_001, end=1_700_000_000_250_000_000, name='s', **attributes):
    pairs = [{'key': k.replace('__', '.'), 'value': v} for k, v in attributes.items()]
    return {'traceId': trace_id, 'spanId': span_id, **({'parentSpanId': parent} if parent else {}), 'name': name, 'startTimeUnixNano': str(start), 'endTimeUnixNano': end, 'attributes': pairs,
            'status': {'code': 1}}


usage = lambda n: {'kvlistValue': {'values': [{'key': k, 'value': {'intValue': str(n)}} for k in ('input_tokens', 'output_tokens', 'total_tokens')]}}
T = 'ab' * 16
told['by hand'] = [post(spans(one(T, '01' * 8, '02' * 8, start=1_700_000_000_100_000_000, name='child', mlflow__chat__tokenUsage=usage(2))))]
told['child alone'] = requests.get(f'{URL}/api/3.0/mlflow/traces/tr-{T}').json()['trace']['trace_info']['state']
told['by hand'].append(post(spans(one(T, '02' * 8, name='root', mlflow__chat__tokenUsage=usage(5), empty={}, text={'stringValue': ''}, bytes={'bytesValue': 'AAEC'},
                                      deep={'arrayValue': {'values': [{'doubleValue': 1}, {'kvlistValue': {'values': []}}, {}]}})), 'application/json; charset=utf-8'))
told['by hand'].append(post(spans(one(T, '03' * 8, '02' * 8, name='other', mlflow__chat__tokenUsage=usage(3)))))
told['joined'] = whole(f'tr-{T}')
told['wrong'] = {
    'no header': requests.post(f'{URL}/v1/traces', json=spans(one(T, '04' * 8))).status_code,
    'content type': post(spans(one(T, '04' * 8)), 'text/plain'),
    'no spans': post({'resourceSpans': []}),
    'no json': post(b'{', 'application/json'),
    'no protobuf': post(b'\x0a\xff\xff', 'application/x-protobuf'),
    'encoding': post(spans(one(T, '04' * 8)), content_encoding='br'),
    'no gzip': post(b'abc', content_encoding='gzip'),
    'unknown experiment': requests.post(f'{URL}/v1/traces', json=spans(one('cd' * 16, '04' * 8)), headers={'x-mlflow-experiment-id': '987654'}).status_code,
    'raw deflate': post(zlib.compress(json.dumps(spans(one(T, '05' * 8, '02' * 8))).encode())[2:-4], content_encoding='deflate'),
    'gzip json': post(gzip.compress(json.dumps(spans(one(T, '06' * 8, '02' * 8))).encode()), content_encoding='gzip'),
}
print(json.dumps(told, sort_keys=True))
