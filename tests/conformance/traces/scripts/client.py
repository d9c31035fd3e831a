"""Traces through MLflow's client: told, read back, assessed, searched, linked, deleted."""
import json, os, re, time
import mlflow
from mlflow.entities import AssessmentSource, Feedback, SpanEvent, SpanType
from mlflow.tracing.constant import SpanAttributeKey

mlflow.set_tracking_uri(os.environ['MLFLOW_TRACKING_URI'])
client = mlflow.MlflowClient()
experiment = mlflow.set_experiment('agents').experiment_id
names = {}


def code(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except mlflow.exceptions.MlflowException as error:
        return error.error_code


def info(trace):
    known = trace.info
    metadata = {k: v for k, v in known.trace_metadata.items() if not k.startswith(('mlflow.source.', 'mlflow.user', 'mlflow.trace.size'))}
    if 'mlflow.sourceRun' in metadata:
        metadata['mlflow.sourceRun'] = 'run'
    tags = {k: re.sub(r'/\d+/traces/tr-[0-9a-f]{32}', '/EXPERIMENT/traces/TRACE', v) for k, v in known.tags.items()}
    return {
        'experiment': known.experiment_id == experiment, 'state': known.state.value, 'client': known.client_request_id,
        'request': known.request_preview, 'response': known.response_preview, 'tags': tags, 'metadata': metadata,
        'tokens': known.token_usage, 'cost': known.cost, 'duration': known.execution_duration is not None,
        'assessments': [said(a) for a in sorted(known.assessments, key=lambda a: (a.name, json.dumps(a.value, sort_keys=True)))],
    }


def said(a):
    return {
        'name': a.name, 'value': a.value, 'source': [a.source.source_type, a.source.source_id], 'rationale': a.rationale,
        'metadata': a.metadata, 'valid': a.valid, 'overrides': a.overrides is not None, 'span': a.span_id is not None,
        'kind': type(a).__name__, 'error': a.feedback.error.error_code if a.feedback and a.feedback.error else None,
        'type': type(a.value).__name__,
    }


def span(s, spans):
    attributes = {k: v for k, v in s.attributes.items() if k not in ('mlflow.traceRequestId', 'mlflow.spanLogLevel')}
    return {
        'name': s.name, 'type': s.span_type, 'status': [s.status.status_code.value, s.status.description], 'inputs': s.inputs,
        'outputs': s.outputs, 'attributes': attributes, 'types': {k: type(v).__name__ for k, v in attributes.items()},
        'parent': next((p.name for p in spans if p.span_id == s.parent_id), None),
        'events': [[e.name, {k: v for k, v in e.attributes.items() if 'stack' not in k}] for e in s.events],
        'links': [[l.trace_id.startswith('tr-'), l.attributes] for l in s.links],
    }


def whole(trace):
    return {'info': info(trace), 'spans': [span(s, trace.data.spans) for s in trace.data.spans]}


def latest():
    mlflow.flush_trace_async_logging()
    trace_id = mlflow.get_last_active_trace_id()
    names[trace_id] = f'#{len(names)}'
    return trace_id


@mlflow.trace(span_type=SpanType.AGENT, attributes={'n': 1, 'f': 1.0, 's': 'x', 'l': [1, 'a', None], 'b': True, 'd': {'q': {'é': 2.5}}, 'j': '{"a": 1}', 'big': 2**53 + 1})
def agent(question, depth=2):
    with mlflow.start_span('model', span_type=SpanType.CHAT_MODEL) as s:
        s.set_inputs({'model': 'tiny', 'messages': [{'role': 'user', 'content': question}]})
        s.set_outputs({'choices': [{'message': {'role': 'assistant', 'content': 'it is 42'}}]})
        s.set_attribute(SpanAttributeKey.CHAT_USAGE, {'input_tokens': 3, 'output_tokens': 4, 'total_tokens': 7})
        s.set_attribute(SpanAttributeKey.LLM_COST, {'input_cost': 0.1, 'output_cost': 0.25, 'total_cost': 0.35})
        s.add_event(SpanEvent('chunk', attributes={'k': 'v', 'i': 2}))
    with mlflow.start_span('tool', span_type=SpanType.TOOL) as s:
        s.set_inputs({'x': 1})
        s.set_attribute('gen_ai.usage.input_tokens', 5)
        s.set_attribute('gen_ai.usage.output_tokens', 6)
    mlflow.update_current_trace(
        tags={'team': 'air', 'long': 'x' * 5000}, metadata={'mlflow.trace.session': 's1', 'mlflow.trace.user': 'ada', 'm': 'y' * 300},
        client_request_id='req-1')
    return {'answer': 42}


@mlflow.trace
def failing():
    raise ValueError('no luck')


told = {}
agent('what?')
first = latest()
time.sleep(0.005)
try:
    failing()
except ValueError:
    pass
second = latest()
time.sleep(0.005)
with mlflow.start_run() as run:
    with mlflow.start_span('in a run') as s:
        s.set_inputs('text')
third = latest()
told['whole'] = [whole(mlflow.get_trace(t)) for t in (first, second, third)]
told['no trace'] = code(client.get_trace, 'tr-' + '0' * 32)

# What is thought of them
score = mlflow.log_feedback(trace_id=first, name='score', value=0.25, rationale='close', metadata={'k': 'v'}, source=AssessmentSource('HUMAN', 'ada'))
mlflow.log_feedback(trace_id=first, name='good', value=True)
mlflow.log_feedback(trace_id=first, name='grade', value=3)
mlflow.log_feedback(trace_id=first, name='list', value=['a', 1.5, True])
mlflow.log_feedback(trace_id=first, name='dict', value={'a': 1, 'b': 'x'})
mlflow.log_feedback(trace_id=second, name='failed', error=ValueError('boom'))
mlflow.log_feedback(trace_id=second, name='good', value=False, span_id=mlflow.get_trace(second).data.spans[0].span_id)
mlflow.log_expectation(trace_id=first, name='answer', value={'is': [42, None]})
mlflow.log_expectation(trace_id=first, name='word', value='yes')
told['assessed'] = info(mlflow.get_trace(first))['assessments']
mlflow.update_assessment(trace_id=first, assessment_id=score.assessment_id, assessment=Feedback(name='score', value=0.5, metadata={'more': '1'}))
told['updated'] = said(mlflow.get_assessment(first, score.assessment_id))
mine = mlflow.override_feedback(trace_id=first, assessment_id=score.assessment_id, value=0.75, rationale='no')
told['overridden'] = [said(mlflow.get_assessment(first, a.assessment_id)) for a in (score, mine)]
mlflow.delete_assessment(first, mine.assessment_id)
told['restored'] = said(mlflow.get_assessment(first, score.assessment_id))
told['deleted twice'] = code(mlflow.delete_assessment, first, mine.assessment_id)
told['assessment gone'] = code(mlflow.get_assessment, first, mine.assessment_id)
told['assessing nothing'] = code(mlflow.log_feedback, trace_id='tr-nope', name='x', value=1)
told['overriding nothing'] = code(mlflow.override_feedback, trace_id=first, assessment_id='a-nope', value=1)

# Tags
mlflow.set_trace_tag(second, 'team', 'sea')
mlflow.set_trace_tag(second, 'gone', 'x')
mlflow.delete_trace_tag(second, 'gone')
mlflow.set_trace_tag(third, 'mlflow.traceName', 'renamed')
told['tags'] = [code(mlflow.delete_trace_tag, second, 'gone'), code(mlflow.set_trace_tag, 'tr-nope', 'a', 'b'),
                code(client.set_trace_tag, second, 'mlflow.trace.spansLocation', 'x'), code(client.set_trace_tag, second, 'bad key!', 'x'),
                info(mlflow.get_trace(second))['tags'], info(mlflow.get_trace(third))['tags']]

# Links
client.link_traces_to_run([second], run.info.run_id)
client.link_traces_to_run([second], run.info.run_id)
told['links'] = [code(client.link_traces_to_run, [second], 'nope'), code(client.link_traces_to_run, ['tr-x'] * 101, run.info.run_id)]
prompt = mlflow.genai.register_prompt(name='greet', template='hello {{name}}')
client.link_prompt_versions_to_trace([prompt], second)

# Searches
def found(filter_string=None, **kwargs):
    def search():
        return [names[t.info.trace_id] for t in mlflow.search_traces(locations=[experiment], filter_string=filter_string, return_type='list', include_spans=False, **kwargs)]
    return code(search)


filters = [
    None, "status = 'OK'", "trace.status = 'ERROR'", "status IN ('OK', 'ERROR')", "status NOT IN ('OK')", "name = 'agent'", "trace.name LIKE 'fail%'",
    "attributes.name ILIKE 'FAIL%'", "name RLIKE '^(agent|failing)$'", "name = 'renamed'", f"request_id = '{first}'", f"trace.request_id IN ('{first}', '{second}')",
    "client_request_id = 'req-1'", "client_request_id LIKE 'req%'", 'timestamp_ms > 0', 'timestamp > 99999999999999', 'execution_time_ms >= 0',
    'end_time_ms > 100', "tags.team = 'air'", "tag.team != 'air'", "tags.team LIKE 'a%'", "tags.team ILIKE 'A%'", "tags.team LIKE 'A%'", 'tags.team IS NULL',
    'tags.`team` IS NOT NULL', "tags.team RLIKE 's.a'", "metadata.m LIKE 'yyy%'", "metadata.`mlflow.trace.session` = 's1'",
    "request_metadata.`mlflow.trace.user` = 'ada'", 'metadata.`mlflow.trace.session` IS NULL', f"run_id = '{run.info.run_id}'", "run_id = 'nope'", "prompt = 'greet/1'",
    "prompt = 'greet/2'", "prompt = 'greet'", "span.name = 'model'", "span.name = 'model' AND span.type = 'CHAT_MODEL'", "span.name = 'model' AND span.type = 'TOOL'",
    "span.type IN ('TOOL', 'LLM')", "span.status = 'ERROR'", "span.attributes.n LIKE '%1%'", "span.attributes.`nope` LIKE '%1%'", "span.content LIKE '%it is 42%'",
    "trace.text LIKE '%it is 42%'", "trace.text ILIKE '%IT IS 42%'", "feedback.good = 'true'", "feedback.good = 'false'", "feedback.score = '0.5'", 'feedback.score > 0.2', 'feedback.grade >= 3',
    "feedback.grade = '3'", 'feedback.good IS NOT NULL', 'feedback.grade IS NULL', "expectation.word = 'yes'", "expectation.answer LIKE '%42%'", "feedback.word = 'yes'",
    "tags.team = 'air' AND feedback.good = 'true' and status = 'OK'", "issue.id = 'x'",
    # What is wrong
    "status = OK", "nope = 'x'", "status > 'OK'", "timestamp_ms = '5'", "tags.team > 'x'", "feedback.score > '0.2'", "feedback.good = true", "span.nope = 'x'", "tags.team = 'a' OR status = 'OK'",
    "text = 'x'", "foo.bar = 'x'", "status IS NULL",
]
told['search'] = {re.sub(r'(tr-)?[0-9a-f]{32}', 'ID', str(f)): found(f) for f in filters}
told['order'] = {str(o): found(order_by=o) for o in (['timestamp_ms ASC'], ['timestamp DESC'], ['name'], ['name DESC'], ['status', 'timestamp_ms ASC'], ['tags.team'], ['experiment_id', 'timestamp_ms'], ['nope'])}
pages, token = [], None
for _ in range(5):
    page = client.search_traces(locations=[experiment], max_results=1, page_token=token, include_spans=False)
    pages.append([[names[t.info.trace_id] for t in page], page.token is not None])
    token = page.token
    if not token:
        break
told['pages'] = pages
told['with spans'] = [[names[t.info.trace_id], [s.name for s in t.data.spans]] for t in client.search_traces(locations=[experiment])]
told['frame'] = sorted(mlflow.search_traces(locations=[experiment]).columns)

# Deletion
told['deleting'] = [code(client.delete_traces, experiment_id=experiment, trace_ids=[third]), code(client.delete_traces, experiment_id=experiment, max_timestamp_millis=2**41, max_traces=1),
                    code(client.delete_traces, experiment_id=experiment), code(client.delete_traces, experiment_id=experiment, trace_ids=['tr-nope']), found()]
client.delete_experiment(experiment)
told['deleted experiment'] = [found(), code(lambda: mlflow.get_trace(second) is not None)]
print(json.dumps(told, sort_keys=True))
