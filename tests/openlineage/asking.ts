import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// oxlint-disable-next-line typescript/no-explicit-any -- answers to requests of these tests alone
export type Answer = { status: number; body: any }

export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>

export function askerOf(server: { url: string }): Ask {
  return async (method, path, body) => {
    const json = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(`${server.url}/api/v1${path}`, {
      method,
      ...json,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
    })
    const text = await answer.text()
    return { status: answer.status, body: JSON.parse(text === '' ? 'null' : text) as unknown }
  }
}

export type Event = Record<string, unknown> & { eventType: string; run: { runId: string } }

/** What Airflow 3.1.3 with its OpenLineage provider 2.20.3 sent for `airflow/weather.py`. */
export function airflowEvents(): Event[] {
  const file = new URL('airflow/events-of-3.1.3.jsonl', import.meta.url)
  return readFileSync(fileURLToPath(file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event)
}

/** An event with all that the specification requires. */
export function runEvent(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    eventType: 'START',
    eventTime: '2026-01-01T00:00:00.000Z',
    producer: 'https://example.org/tests',
    schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
    run: { runId: '0190a000-0000-7000-8000-000000000001' },
    job: { namespace: 'tests', name: 'job' },
    ...more,
  }
}
