import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { freePort, spawnServer } from '../support/process.ts'

const WRITERS = 4
const SPANS = 3

test('spans that were acknowledged are there after a kill -9, whole traces or none', async () => {
  const home = await mkdtemp(join(tmpdir(), 'orrery-traces-kill-'))
  const port = await freePort()
  let server = await spawnServer({ home, port })
  const sent: string[] = []
  const acknowledged: string[] = []
  const writing = new AbortController()
  const write = async () => {
    while (!writing.signal.aborted) {
      const traceId = randomBytes(16).toString('hex')
      sent.push(traceId)
      const isKept = await send(server.url, traceId).catch(() => false)
      if (isKept) acknowledged.push(traceId)
    }
  }
  const writers = Array.from({ length: WRITERS }, write)
  while (acknowledged.length < 40) await sleep(5)
  await server.kill()
  writing.abort()
  await Promise.all(writers)

  server = await spawnServer({ home, port })
  try {
    const kept = await Promise.all(sent.map((traceId) => spansOf(server.url, traceId)))
    const byTrace = new Map(sent.map((traceId, at) => [traceId, kept[at]]))
    for (const traceId of acknowledged) expect(byTrace.get(traceId)).toBe(SPANS)
    for (const count of kept) expect([0, SPANS]).toContain(count)
  } finally {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  }
}, 120_000)

async function send(url: string, traceId: string): Promise<boolean> {
  const spans = Array.from({ length: SPANS }, (_, at) => ({
    traceId,
    spanId: String(at + 1).padStart(16, '0'),
    ...(at === 0 ? {} : { parentSpanId: '1'.padStart(16, '0') }),
    name: `span ${at}`,
    startTimeUnixNano: '1750000000000000000',
    endTimeUnixNano: '1750000001000000000',
  }))
  const answer = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-mlflow-experiment-id': '0' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
  })
  return answer.status === 200
}

/** How many spans a trace has; none when it is not there. */
async function spansOf(url: string, traceId: string): Promise<number> {
  const asked = `trace_id=tr-${traceId}&allow_partial=true`
  const answer = await fetch(`${url}/api/3.0/mlflow/traces/get?${asked}`)
  if (answer.status === 404) return 0
  const { trace } = (await answer.json()) as { trace: { spans?: unknown[] } }
  return trace.spans?.length ?? 0
}
