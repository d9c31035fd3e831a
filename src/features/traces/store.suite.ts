import { expect, test } from 'vitest'
import type { Transact } from '#ledger'
import type { Assessment } from './assessment.ts'
import { parseTraceFilter, parseTraceOrder } from './filter/index.ts'
import { keptSpanOf, type Span } from './span.ts'
import type { TraceReads, TraceWrites } from './store.ts'
import type { TraceInfo } from './trace.ts'

interface Store {
  readonly read: TraceReads
  readonly transact: Transact<{ traces: TraceWrites }>
}

type OpenStore = () => Promise<Store>

/** The laws of every store of traces. */
export function traceStoreSuite(openStore: OpenStore): void {
  keepingLaws(openStore)
  searchLaws(openStore)
  orderLaws(openStore)
  assessmentLaws(openStore)
  deletionLaws(openStore)
  measureLaws(openStore)
}

function keepingLaws(openStore: OpenStore): void {
  test('a trace is read back as it was saved, and saved again it keeps what is not named anew', async () => {
    const { read, transact } = await openStore()
    const first = trace('a', {
      tags: [{ key: 't', value: '1' }],
      metadata: [{ key: 'm', value: 'é' }],
      requestPreview: 'hi',
    })
    await transact(({ traces }) => traces.saveTraces([first]))
    expect(await read.traces(['nope', 'a', 'a'])).toEqual([
      { ...first, assessments: [] },
      { ...first, assessments: [] },
    ])
    const again = trace('a', { state: 'ERROR', durationMs: null, tags: [{ key: 'u', value: '2' }] })
    await transact(({ traces }) => traces.saveTraces([again]))
    expect(await read.traces(['a'])).toMatchObject([
      {
        state: 'ERROR',
        durationMs: null,
        tags: [...first.tags, ...again.tags],
        metadata: first.metadata,
      },
    ])
  })

  test('spans are kept once each, and read with the root first', async () => {
    const { read, transact } = await openStore()
    const child = span('2', { parentId: '1', startNs: 5n })
    const root = span('1', { startNs: 7n })
    await putSpans(transact, [child, root])
    await putSpans(transact, [{ ...child, name: 'renamed' }])
    const contents = (await read.contents([TRACE])).get(TRACE) ?? []
    expect(contents.map((text) => (JSON.parse(text) as { name: string }).name)).toEqual([
      'span 1',
      'renamed',
    ])
  })

  test('a thousand spans go in at once', async () => {
    const { read, transact } = await openStore()
    await putSpans(
      transact,
      Array.from({ length: 1200 }, (_, at) => span(String(at + 1))),
    )
    expect((await read.contents([TRACE])).get(TRACE)).toHaveLength(1200)
  })

  test('what spans used is told for each of them', async () => {
    const { transact } = await openStore()
    const tokens = { key: 'mlflow.chat.tokenUsage', value: { input_tokens: 3n, total_tokens: 4n } }
    const cost = { key: 'mlflow.llm.cost', value: { total_cost: 0.25 } }
    await putSpans(transact, [span('1', { attributes: [tokens, cost] })])
    expect(await transact(({ traces }) => traces.usage([TRACE, 'nope']))).toEqual([
      {
        traceId: TRACE,
        spanId: id16('1'),
        parentId: null,
        usage: { tokens: { input_tokens: 3, total_tokens: 4 }, cost: { total_cost: 0.25 } },
      },
    ])
  })

  test('tags are set and deleted one by one, and the name with them', async () => {
    const { read, transact } = await openStore()
    await transact(({ traces }) => traces.saveTraces([trace('a')]))
    await transact(({ traces }) => traces.setTraceTag('a', { key: 'mlflow.traceName', value: 'n' }))
    expect(await found(read, "name = 'n'")).toEqual(['a'])
    expect(await transact(({ traces }) => traces.deleteTraceTag('a', 'mlflow.traceName'))).toBe(
      true,
    )
    expect(await transact(({ traces }) => traces.deleteTraceTag('a', 'mlflow.traceName'))).toBe(
      false,
    )
    expect(await found(read, "name = 'n'")).toEqual([])
  })
}

const QUESTIONS: readonly (readonly [filter: string, traces: string])[] = [
  ['', 'abc'],
  ["status = 'ERROR'", 'b'],
  ["status != 'ERROR'", 'ac'],
  ["trace.status IN ('OK', 'ERROR')", 'ab'],
  ["request_id = 'a'", 'a'],
  ["client_request_id LIKE 'req%'", 'a'],
  ["client_request_id = 'REQ'", ''],
  ['timestamp_ms >= 20', 'bc'],
  ['timestamp < 20', 'a'],
  ['execution_time_ms > 4', 'a'],
  ['end_time_ms <= 22', 'ab'],
  ['timestamp_ms < 1e30', 'abc'],
  ['timestamp_ms > 14.5', 'bc'],
  ["name = 'agent'", 'a'],
  ["name ILIKE 'AG%'", 'a'],
  ["name LIKE 'AG%'", ''],
  ["name RLIKE '^a.*t$'", 'a'],
  ["tags.team = 'air'", 'a'],
  ["tags.team != 'air'", 'b'],
  ["tags.team RLIKE '^(air|sea)$'", 'ab'],
  ['tags.team IS NULL', 'c'],
  ["metadata.`mlflow.trace.session` = 's'", 'ab'],
  ['metadata.m IS NOT NULL', 'b'],
  ["run_id = 'r1'", 'ab'],
  ["run_id = 'r2'", ''],
  ["prompt = 'greet/1'", 'b'],
  ["span.name = 'span 1'", 'ab'],
  ["span.name = 'span 1' AND span.type = 'LLM'", 'b'],
  ["span.name = 'span 2' AND span.type = 'LLM'", ''],
  ["span.status = 'ERROR'", 'b'],
  ["span.name RLIKE '2$'", 'a'],
  ["span.attributes.model = 'gpt 5'", 'b'],
  ["span.attributes.model LIKE 'gpt%'", 'b'],
  ["span.attributes.model ILIKE 'GPT_5'", 'b'],
  ["span.attributes.model RLIKE '^gpt'", 'b'],
  ["span.attributes.nope = 'x'", ''],
  ["span.content LIKE '%gpt 5%'", 'b'],
  ["text LIKE '%GPT%'", ''],
  ["text ILIKE '%GPT%'", 'b'],
  ["feedback.good = 'true'", 'a'],
  ["feedback.good != 'true'", ''],
  ["feedback.word = 'yes'", 'a'],
  ["feedback.word RLIKE 'y.s'", 'a'],
  ['feedback.score > 0.2', 'a'],
  ['feedback.score > 0.5', ''],
  ["feedback.score = '0.25'", 'a'],
  ['feedback.score IS NULL', 'bc'],
  ["expectation.answer LIKE '%4%'", 'b'],
  ["feedback.answer LIKE '%4%'", ''],
  ["feedback.polite = 'yes'", 'ab'],
  ["tags.team = 'air' AND status = 'ERROR'", ''],
  ["tags.team = 'air' AND status = 'OK'", 'a'],
]

function searchLaws(openStore: OpenStore): void {
  test('traces are found by what is asked of them, their spans and their assessments', async () => {
    const { read, transact } = await openStore()
    await writeThree(transact)
    for (const [filter, expected] of QUESTIONS)
      expect([filter, (await found(read, filter)).toSorted(byText).join('')]).toEqual([
        filter,
        expected,
      ])
  })

  test('a pattern that is made to be slow is not', async () => {
    const { read, transact } = await openStore()
    const value = `${'a'.repeat(5000)}!`
    await transact(({ traces }) => traces.saveTraces([trace('a', { tags: [{ key: 'k', value }] })]))
    const startedMs = performance.now()
    expect(await found(read, "tags.k RLIKE '^(a+)+$'")).toEqual([])
    expect(performance.now() - startedMs).toBeLessThan(1000)
  })

  test('an assessment that was overridden is not found any more', async () => {
    const { read, transact } = await openStore()
    await transact(async ({ traces }) => {
      await traces.saveTraces([trace('a')])
      await traces.putAssessments([assessment('a', '1', 'good', 'true')])
      await traces.setAssessmentValid('a', '1', false)
    })
    expect(await found(read, "feedback.good = 'true'")).toEqual([])
  })
}

function orderLaws(openStore: OpenStore): void {
  test('traces come in the order that was asked for, missing values last, page by page', async () => {
    const { read, transact } = await openStore()
    await writeThree(transact)
    const orders: readonly (readonly [string[], string])[] = [
      [[], 'cba'],
      [['timestamp_ms ASC'], 'abc'],
      [['execution_time_ms DESC'], 'abc'],
      [['execution_time_ms'], 'bac'],
      [['name', 'timestamp_ms ASC'], 'abc'],
      [['status DESC'], 'acb'],
      [['tags.team DESC'], 'bac'],
      [['metadata.m', 'request_id DESC'], 'bca'],
      [['request_id'], 'abc'],
    ]
    for (const [order, expected] of orders)
      expect([order, await pagedBy(read, order)]).toEqual([order, expected])
  })

  test('a page by pattern goes on where the last one ended', async () => {
    const { read, transact } = await openStore()
    await writeThree(transact)
    expect(await pagedBy(read, [], "request_id RLIKE '[ab]'")).toBe('ba')
  })
}

function assessmentLaws(openStore: OpenStore): void {
  test('assessments are read back, replaced and deleted', async () => {
    const { read, transact } = await openStore()
    const said: Assessment = {
      ...assessment('a', '1', 'good', '{"a": [1.0, null]}'),
      error: { code: 'E', message: 'm', stackTrace: null },
      spanId: '12',
      rationale: 'because',
      metadata: [{ key: 'k', value: 'v' }],
    }
    await transact(async ({ traces }) => {
      await traces.saveTraces([trace('a')])
      await traces.putAssessments([said])
    })
    expect(await read.findAssessment('a', '1')).toEqual(said)
    expect((await read.traces(['a']))[0]?.assessments).toEqual([said])
    await transact(({ traces }) => traces.putAssessments([{ ...said, value: '1', updatedMs: 9 }]))
    expect(await read.findAssessment('a', '1')).toEqual({ ...said, value: '1', updatedMs: 9 })
    await transact(({ traces }) => traces.deleteAssessment('a', '1'))
    expect(await read.findAssessment('a', '1')).toBeUndefined()
    expect(await transact(({ traces }) => traces.setAssessmentValid('a', '1', true))).toBe(false)
  })
}

function deletionLaws(openStore: OpenStore): void {
  test('the oldest are chosen first, and go with all that hangs on them', async () => {
    const { read, transact } = await openStore()
    await writeThree(transact)
    const chosen = (choice: { untilMs: number } | { traceIds: string[] }, most: number) =>
      transact(({ traces }) => traces.chosenTraces('1', choice, most))
    expect(await chosen({ untilMs: 20 }, 10)).toEqual(['a', 'b'])
    expect(await chosen({ untilMs: 20 }, 1)).toEqual(['a'])
    expect(await chosen({ traceIds: ['b', 'nope'] }, 10)).toEqual(['b'])
    await transact(({ traces }) => traces.deleteTraces(['a', 'b']))
    expect(await found(read, '')).toEqual(['c'])
    expect(await read.findAssessment('a', 'good')).toBeUndefined()
    expect(await read.contents(['a', 'b'])).toEqual(new Map())
    await transact(({ traces }) => traces.saveTraces([trace('b')]))
    expect(await read.traces(['b'])).toMatchObject([{ tags: [], metadata: [] }])
    expect(await found(read, "run_id = 'r1'")).toEqual([])
    expect(await read.hasTraces()).toBe(true)
  })
}

function measureLaws(openStore: OpenStore): void {
  test('dashboards get the rows that they count', async () => {
    const { read, transact } = await openStore()
    await writeThree(transact)
    const question = { experimentIds: ['1'], dimensions: [], filters: [] }
    const tokens = await read.measured({ ...question, view: 'TRACES', metric: 'total_tokens' })
    expect(tokens).toEqual([{ atMs: 10, value: 7, of: null, dimensions: [] }])
    const states = await read.measured({
      ...question,
      view: 'TRACES',
      metric: 'trace_count',
      dimensions: ['trace_status'],
      untilMs: 20,
    })
    expect(states.map(({ dimensions }) => String(dimensions[0])).toSorted(byText)).toEqual([
      'ERROR',
      'OK',
    ])
    const sessions = await read.measured({ ...question, view: 'TRACES', metric: 'session_count' })
    expect(sessions.map((row) => row.of)).toEqual(['s', 's'])
    const spans = await read.measured({
      ...question,
      view: 'SPANS',
      metric: 'span_count',
      dimensions: ['span_name'],
      filters: [{ on: 'span', column: 'status', value: 'ERROR' }],
    })
    expect(spans.map(({ dimensions }) => dimensions)).toEqual([['span 1']])
    const scores = await read.measured({
      ...question,
      view: 'ASSESSMENTS',
      metric: 'assessment_value',
      filters: [{ on: 'assessment', column: 'name', value: 'score' }],
    })
    expect(scores.map(({ value }) => value)).toEqual([0.25])
  })
}

/** Traces a (at 10), b and c (at 20 and 30), of which b failed and c goes on; all in experiment 1. */
async function writeThree(transact: Store['transact']): Promise<void> {
  const session = { key: 'mlflow.trace.session', value: 's' }
  const source = { key: 'mlflow.sourceRun', value: 'r1' }
  const tokens = { key: 'mlflow.trace.tokenUsage', value: '{"total_tokens": 7}' }
  await transact(async ({ traces }) => {
    await traces.saveTraces([
      trace('a', {
        clientRequestId: 'req',
        tags: [tag('mlflow.traceName', 'agent'), tag('team', 'air')],
        metadata: [session, source, tokens],
      }),
      trace('b', {
        atMs: 20,
        durationMs: 1,
        state: 'ERROR',
        tags: [tag('team', 'sea')],
        metadata: [session, tag('m', '1')],
      }),
      trace('c', { atMs: 20, durationMs: null, state: 'IN_PROGRESS' }),
      trace('elsewhere', { experimentId: '2' }),
    ])
    await traces.saveTraces([trace('c', { atMs: 30, durationMs: null, state: 'IN_PROGRESS' })])
    await traces.linkRun('r1', ['b'])
    await traces.linkRun('r1', ['b'])
    await traces.linkPrompts('b', ['greet/1'])
    await traces.putAssessments([
      assessment('a', 'good', 'good', 'true'),
      assessment('a', 'word', 'word', '"yes"'),
      assessment('a', 'score', 'score', '0.25'),
      { ...assessment('a', 'polite', 'polite', '"yes"'), metadata: [session] },
      { ...assessment('b', 'answer', 'answer', '"it is 42"'), kind: 'expectation' },
    ])
    const model = { key: 'model', value: 'gpt 5' }
    const type = { key: 'mlflow.spanType', value: 'LLM' }
    const failed = { code: 'ERROR', message: 'no' } as const
    const kept = [
      { ...keptSpanOf(span('1')), traceId: 'a' },
      { ...keptSpanOf(span('2', { parentId: '1' })), traceId: 'a' },
      { ...keptSpanOf(span('1', { attributes: [model, type], status: failed })), traceId: 'b' },
    ]
    await traces.putSpans(
      new Map([
        ['a', '1'],
        ['b', '1'],
      ]),
      kept,
    )
  })
}

const byText = (a: string, b: string) => (a < b ? -1 : 1)

const TRACE = `tr-${'0'.repeat(31)}1`

async function putSpans(transact: Store['transact'], spans: readonly Span[]): Promise<void> {
  await transact(({ traces }) => traces.putSpans(new Map([[TRACE, '1']]), spans.map(keptSpanOf)))
}

/** What a search finds, newest first. */
async function found(read: TraceReads, filter: string): Promise<string[]> {
  const places = await read.searchTraces({
    experimentIds: ['1'],
    conditions: parseTraceFilter(filter),
    order: parseTraceOrder([]),
    limit: 100,
  })
  return places.map(({ item }) => item)
}

/** What a search finds in pages of one. */
async function pagedBy(read: TraceReads, order: string[], filter = ''): Promise<string> {
  const search = {
    experimentIds: ['1'],
    conditions: parseTraceFilter(filter),
    order: parseTraceOrder(order),
    limit: 1,
  }
  let page = await read.searchTraces(search)
  const all: string[] = []
  while (page.length > 0) {
    all.push(...page.map(({ item }) => item))
    page = await read.searchTraces({ ...search, after: page.at(-1)?.place })
  }
  return all.join('')
}

function trace(traceId: string, more: Partial<TraceInfo> = {}): TraceInfo {
  return {
    traceId,
    experimentId: '1',
    atMs: 10,
    durationMs: 5,
    state: 'OK',
    clientRequestId: null,
    requestPreview: null,
    responsePreview: null,
    tags: [],
    metadata: [],
    ...more,
  }
}

function tag(key: string, value: string) {
  return { key, value }
}

function span(spanId: string, more: Partial<Span> = {}): Span {
  const { parentId, ...rest } = more
  return {
    traceId: TRACE.slice(3),
    spanId: id16(spanId),
    parentId: parentId == null ? null : id16(parentId),
    name: `span ${spanId}`,
    startNs: 10_000_000n,
    endNs: 15_000_000n,
    status: { code: 'OK', message: '' },
    attributes: [],
    events: [],
    links: [],
    resource: [],
    ...rest,
  }
}

function id16(short: string): string {
  return short.padStart(16, '0')
}

function assessment(
  traceId: string,
  assessmentId: string,
  name: string,
  value: string,
): Assessment {
  return {
    assessmentId,
    traceId,
    kind: 'feedback',
    name,
    value,
    error: null,
    source: { type: 'HUMAN', id: 'me' },
    runId: null,
    spanId: null,
    rationale: null,
    metadata: [],
    overrides: null,
    valid: true,
    createdMs: 1,
    updatedMs: 1,
  }
}
