import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorkspace } from '#app/project/workspace'
import { movingSteps, type DataStep } from '#data'
import { MAIN } from '../../support/orrery.ts'
import { dvcEnvironment, pythonBin, sandbox, type Sandbox } from './support.ts'

const LARGE_BYTES = 384 << 20
let box: Sandbox

beforeAll(() => {
  box = sandbox()
  box.dvc('init', '-q')
  const piece = Buffer.alloc(1 << 20, 'progress')
  for (let at = 0; at < LARGE_BYTES; at += piece.length)
    writeFileSync(join(box.root, 'large.bin'), piece, { flag: 'a' })
  box.dvc('remote', 'add', '-q', '-d', 'store', join(box.root, '..', 'store'))
})

afterAll(() => box.remove())

/** What was told of one file while `work` went on. */
async function steps(work: (onStep: (step: DataStep) => void) => Promise<unknown>) {
  const told: DataStep[] = []
  await work((step) => told.push(step))
  return Map.groupBy(told, ({ what }) => what)
}

function workspace(onStep: (step: DataStep) => void) {
  return openWorkspace(box.root, {
    variables: dvcEnvironment(),
    environments: join(box.root, '..', 'environments'),
    onStep,
  })
}

function expectMoved(told: readonly DataStep[] | undefined) {
  const whole = { files: 1, sizeBytes: LARGE_BYTES }
  const sum = { files: 0, sizeBytes: 0 }
  let inTheMidst = 0
  for (const { files, sizeBytes, ofFiles, ofBytes } of told ?? []) {
    expect({ ofFiles, ofBytes }).toEqual({ ofFiles: 1, ofBytes: LARGE_BYTES })
    sum.files += files
    sum.sizeBytes += sizeBytes
    if (sum.files === 0 && sum.sizeBytes > 0 && sum.sizeBytes < LARGE_BYTES) inTheMidst++
  }
  expect(sum).toEqual(whole)
  expect(inTheMidst).toBeGreaterThan(0)
}

test('adding, sharing and writing one large file tells of its bytes as they pass', async () => {
  const added = await steps((onStep) => workspace(onStep).data.add(['large.bin']))
  expectMoved(added.get('hashed'))
  expect(added.get('copied')?.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(LARGE_BYTES)
  const quiet = () => undefined
  const pushed = await steps((onStep) =>
    workspace(quiet).data.push([], movingSteps('sent', onStep)),
  )
  expectMoved(pushed.get('sent'))
  for (const path of ['.dvc/cache', 'large.bin'])
    rmSync(join(box.root, path), { recursive: true, force: true })
  const fetched = await steps((onStep) =>
    workspace(quiet).data.fetch([], movingSteps('fetched', onStep)),
  )
  expectMoved(fetched.get('fetched'))
  const placed = await steps((onStep) => workspace(onStep).data.checkout())
  expectMoved(placed.get('placed'))
})

test('a terminal shows how much of one file has come from a slow server, how fast, and how long it takes still', async () => {
  const bytes = Buffer.alloc(3_000_000, 'slow')
  const md5 = createHash('md5').update(bytes).digest('hex')
  const server = await slowServer(bytes)
  const { port } = server.address() as AddressInfo
  try {
    const got = await onTerminal(['get-url', `http://127.0.0.1:${port}/slow.bin`, 'got.bin'])
    expectBar(got, 'files fetched')
    box.write(
      '.dvc/config',
      `[core]\n    remote = it\n['remote "it"']\n    url = http://127.0.0.1:${port}\n`,
    )
    box.write(
      'slow.bin.dvc',
      `outs:\n- md5: ${md5}\n  size: 3000000\n  hash: md5\n  path: slow.bin\n`,
    )
    expectBar(await onTerminal(['fetch', 'slow.bin.dvc']), 'objects')
    box.write(
      'dvc.yaml',
      'stages:\n  read:\n    cmd: echo read > read\n    deps: [slow.bin]\n    outs: [read]\n',
    )
    rmSync(join(box.root, '.dvc/cache'), { recursive: true })
    expectBar(await onTerminal(['repro', '--pull']), 'files fetched')
    expectBar(
      await onTerminal(['import-url', `http://127.0.0.1:${port}/slow.bin`, 'in.bin']),
      'files fetched',
    )
    expect(
      await onTerminal(['get-url', '--json', `http://127.0.0.1:${port}/slow.bin`, 'j.bin']),
    ).not.toContain('%')
  } finally {
    server.close()
  }
})

/** Sends half a megabyte at a time, for two seconds and a half. */
async function slowServer(bytes: Buffer): Promise<Server> {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    const send = async () => {
      for (let at = 0; at < (request.method === 'HEAD' ? 0 : bytes.length); at += 100_000) {
        response.write(bytes.subarray(at, at + 100_000))
        await sleep(80)
      }
      response.end()
    }
    void send()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** What a command writes to a terminal. */
function onTerminal(args: readonly string[]): Promise<string> {
  const script = 'import pty, sys; pty.spawn(sys.argv[1:])'
  const command = [process.execPath, MAIN, ...args]
  const child = spawn(join(pythonBin(), 'python'), ['-c', script, ...command], {
    cwd: box.root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let shown = ''
  child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()))
  return new Promise((resolve) => child.on('close', () => resolve(shown)))
}

function expectBar(shown: string, what: string): void {
  const bars = shown.split('\r').filter((line) => line.includes(`0/1 ${what}`))
  const shares = bars.map((line) => Number(/ (\d+)%/.exec(line)?.[1]))
  expect(new Set(shares).size).toBeGreaterThan(3)
  expect(shares).toEqual(shares.toSorted((one, other) => one - other))
  expect(bars[1]).toMatch(
    /[█░]+ \d+%  0\/1 [a-z ]+  [\d.]+ [KM]iB of 2.9 MiB  [\d.]+ [KM]iB\/s  \d+s left/,
  )
}
