import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { verifyHome } from '#app/home/verify-home'
import { freePort, serverCommand, startFamily, type Family } from '../support/process.ts'

const run = promisify(execFile)
const API = '/api/2.0/mlflow'
const FILE = '/api/2.0/mlflow-artifacts/artifacts/kept/file'
const WRITERS = 4
const REFUSALS = 10
/** Nobody waits longer to hear that the disk is full. */
const ANSWER_MS_MAX = 10_000

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

let place: string
let home: string
let port: number
let family: Family

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'orrery-full-'))
  home = join(place, 'home')
  port = await freePort()
})
afterEach(async () => {
  await family?.end()
  await run('umount', ['-l', place]).catch(() => undefined)
  await rm(place, { recursive: true, force: true })
})

async function serve(limit = ''): Promise<void> {
  const command = ['-c', `${limit} exec "$0" "$@"`, ...serverCommand(home, port).flat()]
  family = startFamily('sh', command, { environment: { ORRERY_LOG_LEVEL: 'silent' } })
  family.stdout.resume()
  await expect.poll(() => statusOf('/health'), { timeout: 20_000 }).toBe(200)
}

function statusOf(path: string): Promise<number> {
  return fetch(`http://127.0.0.1:${port}${path}`).then(
    (answer) => answer.status,
    () => 0,
  )
}

async function ask(path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
    ...(body === undefined
      ? {}
      : {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

async function newRun(): Promise<string> {
  const { body } = await ask(`${API}/runs/create`, { experiment_id: '0' })
  return (body as { run: { info: { run_id: string } } }).run.info.run_id
}

/** Writes into a run until it is refused often; gives what was acknowledged and how it was refused. */
async function fillUp(runId: string, name = 'b'): Promise<{ kept: string[]; refusals: Answer[] }> {
  const kept: string[] = []
  const refusals: Answer[] = []
  let batches = 0
  const write = async () => {
    while (refusals.length < REFUSALS) {
      const batch = `${name}${batches++}`
      const tags = Array.from({ length: 50 }, (_, at) => ({
        key: `${batch}-${at}`,
        value: 'x'.repeat(7000),
      }))
      const params = [{ key: batch, value: batch }]
      const answer = await ask(`${API}/runs/log-batch`, { run_id: runId, tags, params })
      if (answer.status === 200) kept.push(batch)
      else refusals.push(answer)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, write))
  return { kept, refusals }
}

/** Everything is read as ever: what was acknowledged, whole, and files, and the ledger. */
async function assertReads(runId: string, kept: readonly string[]): Promise<void> {
  const { body } = await ask(`${API}/runs/get?run_id=${runId}`)
  const { params = [], tags = [] } = (
    body as { run: { data: { params?: { key: string }[]; tags?: { key: string }[] } } }
  ).run.data
  expect(params.map(({ key }) => key).toSorted()).toEqual(kept.toSorted())
  const batches = new Set(tags.map(({ key }) => key.split('-')[0]))
  for (const batch of kept) expect(batches).toContain(batch)
  const file = await fetch(`http://127.0.0.1:${port}${FILE}`)
  expect(await file.text()).toBe('kept')
  expect(await statusOf('/api/v1/ledger/export')).toBe(200)
  expect((await ask(`${API}/runs/search`, { experiment_ids: ['0'] })).status).toBe(200)
}

function assertClear(refusals: readonly Answer[]): void {
  for (const { status, body } of refusals)
    expect([status, body]).toEqual([
      507,
      {
        error_code: 'RESOURCE_EXHAUSTED',
        message: expect.stringMatching(/the disk of .* nothing was written; .*free some space/),
      },
    ])
}

async function keepFile(): Promise<void> {
  await fetch(`http://127.0.0.1:${port}${FILE}`, { method: 'PUT', body: 'kept' })
}

const logMetric = (runId: string) =>
  ask(`${API}/runs/log-metric`, { run_id: runId, key: 'loss', value: 1, timestamp: 1 })

test('on a full disk reads and deletions go on, writes are refused, also after a kill, and all is well when there is space', async ({
  skip,
}) => {
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'none', place]).then(
    () => true,
    () => false,
  )
  skip(!mounted, 'only root may mount a small disk; the test of a limit on files runs everywhere')
  await serve()
  const runId = await newRun()
  await keepFile()
  // The space that is kept for this very case is taken a moment after the start.
  const ballast = join(home, 'orrery.db.ballast')
  await expect
    .poll(
      () =>
        stat(ballast).then(
          ({ size }) => size,
          () => 0,
        ),
      { timeout: 20_000 },
    )
    .toBe(16 << 20)
  const { bavail, bsize } = await statfs(place)
  const filler = join(place, 'filler')
  await writeFile(filler, Buffer.alloc(bavail * bsize - (12 << 20)))

  const { kept, refusals } = await fillUp(runId)
  assertClear(refusals)
  await assertReads(runId, kept)
  expect(await ask('/ready')).toMatchObject({ status: 200, body: { disk: 'full' } })
  const deleted = await ask(`${API}/runs/delete-tag`, { run_id: runId, key: `${kept[0]}-0` })
  expect(deleted).toMatchObject({ status: 200 })
  assertClear([await logMetric(runId)])

  family.signal('SIGKILL')
  await family.exited
  await serve()
  await assertReads(runId, kept)
  assertClear([await logMetric(runId)])

  await rm(filler)
  await expect.poll(async () => (await logMetric(runId)).status, { timeout: 20_000 }).toBe(200)
  await assertReads(runId, kept)
  expect(await ask('/ready')).toMatchObject({ body: { disk: 'ok' } })
  expect((await verifyHome(home)).faults).toEqual([])
})

test('where no file may grow further, reads go on, writes are refused, also after a kill, and all is well when it may', async () => {
  await serve('ulimit -S -f 49152;')
  const runId = await newRun()
  await keepFile()
  const { kept, refusals } = await fillUp(runId)
  assertClear(refusals)
  await assertReads(runId, kept)

  family.signal('SIGKILL')
  await family.exited
  await serve('ulimit -S -f 49152;')
  await assertReads(runId, kept)
  const again = await fillUp(runId, 'c')
  assertClear(again.refusals)
  await assertReads(runId, [...kept, ...again.kept])

  await run('prlimit', ['--pid', String(family.pid), '--fsize=unlimited:'])
  await expect.poll(async () => (await logMetric(runId)).status, { timeout: 20_000 }).toBe(200)
  await assertReads(runId, [...kept, ...again.kept])
  expect((await verifyHome(home)).faults).toEqual([])
})
