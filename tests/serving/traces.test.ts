import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { loopsProject, rolloutsAt, type Person } from '../support/rollouts.ts'

// Traces of predictions go where any collector of OpenTelemetry may be: here, a second server of ours.

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

let collector: TestServer
let server: TestServer
let person: Person
let project: { origin: string; remove(): Promise<void> }

beforeAll(async () => {
  process.env['OTEL_EXPORTER_OTLP_HEADERS'] = 'x-mlflow-experiment-id=0'
  project = await loopsProject('{ steps: [100], every: 1s, min_samples: 5 }')
  collector = await startTestServer()
  server = await startTestServer({ otlpEndpoint: collector.url, otlpSample: 0 })
  person = rolloutsAt(() => server.url)
  await person.createModel()
  await person.point(await person.register('loop.onnx'))
  await person.ask('POST', '/api/v1/projects', { origin: project.origin })
  await person.serves()
}, 60_000)

afterAll(async () => {
  delete process.env['OTEL_EXPORTER_OTLP_HEADERS']
  await server.stop()
  await collector.stop()
  await project.remove()
})

test('a request that is traced by its caller is a trace of request, prediction, queue and model', async () => {
  const answer = await invoke(`00-${TRACE}-00f067aa0ba902b7-01`)
  expect(answer.headers.get('traceparent')).toMatch(new RegExp(`^00-${TRACE}-[\\da-f]{16}-01$`))
  await expect.poll(() => spansOf(TRACE), { timeout: 10_000 }).toHaveLength(4)
  const spans = await spansOf(TRACE)
  const named = (name: string) => spans.find((span) => span.name === name)
  const request = spans.find(({ name }) => name.startsWith('POST /endpoints/:'))
  const prediction = named('predict loops')
  expect(request?.parent).toBe(Buffer.from('00f067aa0ba902b7', 'hex').toString('base64'))
  expect(prediction?.parent).toBe(request?.span)
  expect(named('queue')?.parent).toBe(prediction?.span)
  expect(named('model')?.parent).toBe(prediction?.span)
  expect(prediction?.attributes).toMatchObject({ 'orrery.model_version': '"loops/1"' })
})

test('a request that its caller does not trace leaves none', async () => {
  const untraced = '5bf92f3577b34da6a3ce929d0e0e4736'
  const answer = await invoke(`00-${untraced}-00f067aa0ba902b7-00`)
  expect(answer.headers.get('traceparent')).toBeNull()
  expect((await invoke()).headers.get('traceparent')).toBeNull()
  expect(await spansOf(untraced)).toEqual([])
})

async function invoke(traceparent?: string): Promise<Response> {
  const answer = await fetch(`${server.url}/endpoints/loops/invocations`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    body: '{"dataframe_records":[{"rounds":3}]}',
  })
  expect(answer.status).toBe(200)
  await answer.text()
  return answer
}

interface Span {
  readonly span: string
  readonly parent: string | null
  readonly name: string
  readonly attributes: Record<string, string>
}

async function spansOf(trace: string): Promise<Span[]> {
  const answer = await fetch(`${collector.url}/api/v1/traces/tr-${trace}`)
  return answer.ok ? ((await answer.json()) as { spans: Span[] }).spans : []
}
