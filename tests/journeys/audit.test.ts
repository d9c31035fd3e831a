import { execFile } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { afterEach, expect, test } from 'vitest'
import { checkpointIn, leafHash, provesInclusion, type InclusionReceipt } from '#ledger'
import { startTestServer, type TestServer } from '../support/server.ts'

const ORRERY = join(import.meta.dirname, '..', '..', 'bin', 'orrery')
const running: TestServer[] = []

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

/** A server whose ledger tells of the first experiment and of three models. */
async function started(): Promise<TestServer> {
  const server = await startTestServer()
  running.push(server)
  await registerModels(server, 'a', 'b', 'c')
  return server
}

async function registerModels(server: TestServer, ...names: string[]): Promise<void> {
  for (const name of names) {
    const { ok } = await fetch(`${server.url}/api/2.0/mlflow/registered-models/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    })
    expect(ok).toBe(true)
  }
}

const audit = (...args: string[]) =>
  new Promise<{ status: number; out: string; err: string }>((resolve) => {
    execFile(ORRERY, ['audit', ...args], (error, out, err) => {
      resolve({ status: error === null ? 0 : Number(error.code), out, err })
    })
  })

test('a ledger is verified while its server runs and after it stopped', async () => {
  const server = await started()
  const meanwhile = await audit('verify', '--home', server.home)
  expect(meanwhile).toMatchObject({ status: 0, err: '' })
  expect(meanwhile.out).toContain('entries      4\n')
  expect(meanwhile.out).toContain('The ledger is whole.\n')
  await server.stop({ keepHome: true })
  const { status, out } = await audit('verify', '--home', server.home, '--json')
  expect(status).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ entries: 4, faults: [] })
})

test('a checkpoint that was kept elsewhere shows that the ledger continues it, or not', async () => {
  const server = await started()
  const kept = join(await mkdtemp(join(tmpdir(), 'orrery-kept-')), 'checkpoint')
  await writeFile(kept, await (await fetch(`${server.url}/api/v1/ledger/checkpoint`)).text())
  await registerModels(server, 'd')
  const good = await audit('verify', '--home', server.home, '--against', kept)
  expect(good).toMatchObject({ status: 0 })
  expect(good.out).toContain('The ledger is whole, and continues the given checkpoint.\n')

  const other = await started()
  const bad = await audit('verify', '--home', other.home, '--against', kept)
  expect(bad.status).toBe(1)
  expect(bad.out).toContain('the given checkpoint is not one signed by orrery')
})

test('what somebody changed behind the back of the program is named, and the exit status says it', async () => {
  const server = await started()
  await server.stop({ keepHome: true })
  const shell = new BetterSqlite(join(server.home, 'orrery.db'))
  shell.exec(`drop trigger ledger_entries_no_update;
    update ledger_entries set body = replace(body, '"name":"b"', '"name":"z"'), type = 'nothing-happened' where position = 2`)
  shell.close()
  const { status, out } = await audit('verify', '--home', server.home)
  expect(status).toBe(1)
  expect(out).toContain('The ledger is NOT whole:\n')
  expect(out).toContain('entry 2: its columns differ from the text that was hashed')
})

test('a receipt convinces one who trusts only the key', async () => {
  const server = await started()
  const { status, out } = await audit('prove', '1', '--home', server.home)
  expect(status).toBe(0)
  const receipt = JSON.parse(out) as InclusionReceipt
  const head = checkpointIn(receipt.checkpoint, receipt.verifier)
  expect(head).toMatchObject({ size: 4 })
  const proof = receipt.proof.map((hash) => Buffer.from(hash, 'base64'))
  const root = head?.root ?? Buffer.alloc(0)
  const claim = { leaf: leafHash(receipt.text), index: 1, size: 4, root }
  expect(provesInclusion(claim, proof)).toBe(true)
})

test('an export has the exact text of every entry, a line each', async () => {
  const server = await started()
  const { out } = await audit('export', '--url', server.url)
  const lines = out.trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { position: 0, type: 'experiment-created' },
    { position: 1, type: 'registered-model-created', data: { model: 'a' } },
    { position: 2, data: { model: 'b' } },
    { position: 3, data: { model: 'c' } },
  ])
  const receipt = JSON.parse(
    (await audit('prove', '2', '--url', server.url)).out,
  ) as InclusionReceipt
  expect(lines[2]).toBe(receipt.text)
})

test.each([
  [['verify', '--home', 'nowhere'], 'nowhere/orrery.db holds no ledger; name the right --home'],
  [['verify', '--against', 'nowhere.txt'], 'cannot read the checkpoint in nowhere.txt'],
  [
    ['prove', '--url', 'http://127.0.0.1:1'],
    'name the entry to prove by its number: orrery audit prove POSITION',
  ],
  [['prove', '1', '--url', 'http://127.0.0.1:1'], 'no server answers at http://127.0.0.1:1'],
  [['destroy'], 'Choices: "verify", "prove", "export"'],
])('orrery audit %j says what is wrong', async (args, message) => {
  const { status, err } = await audit(...args)
  expect(status).toBe(2)
  expect(err).toContain(message)
})

test('an entry that is not there has no receipt', async () => {
  const server = await started()
  for (const position of ['4', '-1', 'x']) {
    const { status, err } = await audit('prove', position, '--url', server.url)
    expect(status).toBe(2)
    expect(err).toMatch(
      /the ledger has no entry 4|position must be|name the entry to prove by its number/,
    )
  }
})
