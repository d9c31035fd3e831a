import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import type { HeldModel, ServingProcess, Tensor } from '#inference'
import { incarnate } from './incarnation.ts'
import { onnxRuntime } from './index.ts'
import { supervise } from './supervise.ts'

const runtime = onnxRuntime({ logger: pino({ level: 'silent' }) })
const started: ServingProcess[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.stop()))
})

test('a model with a column for each input answers with all its outputs', async () => {
  const process = await serve(['flights'])
  expect(process.shapes.get('flights')).toEqual({
    inputs: [
      { name: 'carrier', type: 'string', shape: [null, 1] },
      { name: 'hour', type: 'float32', shape: [null, 1] },
      { name: 'distance', type: 'float32', shape: [null, 1] },
    ],
    outputs: [
      { name: 'label', type: 'int64', shape: [null] },
      { name: 'probabilities', type: 'float32', shape: [null, 2] },
    ],
  })
  const [label, probabilities] = await process.infer('flights', flights(['B6', 'AA']), live)
  expect(label).toMatchObject({ name: 'label', type: 'int64', shape: [2] })
  expect(probabilities).toMatchObject({ name: 'probabilities', type: 'float32', shape: [2, 2] })
  const [first, second] = (probabilities as Tensor).data as Float32Array
  expect((first ?? 0) + (second ?? 0)).toBeCloseTo(1, 5)
})

test('what goes in comes out digit for digit, of every type', async () => {
  const process = await serve(['echo'])
  const inputs: Tensor[] = [
    { name: 'text', type: 'string', shape: [2, 1], data: ['ä', ''] },
    { name: 'whole', type: 'int64', shape: [2, 1], data: new BigInt64Array([2n ** 53n + 1n, -1n]) },
    { name: 'single', type: 'float32', shape: [2, 1], data: new Float32Array([0.1, Number.NaN]) },
    { name: 'double', type: 'float64', shape: [2, 1], data: new Float64Array([0.1, -0]) },
    { name: 'flag', type: 'bool', shape: [2, 1], data: new Uint8Array([1, 0]) },
  ]
  const outputs = await process.infer('echo', inputs, live)
  expect(outputs.map(({ name }) => name)).toEqual(inputs.map(({ name }) => `${name}_out`))
  for (const part of ['type', 'shape', 'data'] as const)
    expect(outputs.map((output) => output[part])).toEqual(inputs.map((input) => input[part]))
})

test('an optional model that does not load leaves the others serving', async () => {
  const process = await serve(['flights'], ['make.py'])
  await process.infer('flights', flights(['AA']), live)
  expect(process.failures.get('make.py')).toContain('damaged or not ONNX')
  await expect(process.infer('make.py', [], live)).rejects.toMatchObject({ code: 'unavailable' })
})

test('an input that the model refuses fails alone, also when it ran together with others', async () => {
  const process = await serve(['pick'])
  const answers = await Promise.allSettled(
    [0n, 99n, 2n].map((index) => process.infer('pick', [pick(index)], live)),
  )
  expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(answers[1]).toMatchObject({ reason: { code: 'invalid' } })
  expect(answers[2]).toMatchObject({ value: [{ data: new Float32Array([2.5]) }] })
})

test('calls that arrive together each get their own rows', async () => {
  const process = await serve(['echo', 'matrix'])
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, index) => process.infer('matrix', [matrix(index + 1)], live)),
  )
  expect(answers.map(([label]) => label?.shape[0])).toEqual(
    Array.from({ length: 40 }, (_, index) => index + 1),
  )
})

test('calls of one turn of the event loop are one run', async () => {
  const process = await serve(['matrix'])
  const rows: number[] = []
  const onRun = (run: { rows: number }) => void rows.push(run.rows)
  await Promise.all([2, 1, 4].map((n) => process.infer('matrix', [matrix(n)], { ...live, onRun })))
  expect(rows).toEqual([7, 7, 7])
})

test('calls of a model that takes so many rows and no others are run one by one', async () => {
  const runs: number[] = []
  const counted = (...[name, models]: [string, readonly HeldModel[]]) => {
    const life = incarnate(name, models, 1024 ** 3)
    const run: typeof life.run = (key, inputs, options) => {
      runs.push(inputs[0]?.shape[0] ?? 0)
      return life.run(key, inputs, options)
    }
    return { ...life, run }
  }
  const process = await supervise(
    {
      name: 'pairs',
      models: [{ key: 'pairs', path: fixture('pairs'), optional: false }],
      timeoutMs: 10_000,
    },
    { logger: pino({ level: 'silent' }), incarnate: counted },
  )
  started.push(process)
  const pairs = (n: number): Tensor[] => [
    { name: 'x', type: 'float32', shape: [2, 2], data: new Float32Array(4).fill(n) },
  ]
  const answers = await Promise.all([1, 2, 3].map((n) => process.infer('pairs', pairs(n), live)))
  expect(answers.map(([y]) => y?.data)).toEqual([2, 4, 6].map((n) => new Float32Array(4).fill(n)))
  // Joined ones would have failed, and been run again.
  expect(runs).toEqual([2, 2, 2])
})

test('a killed process is started again and no call is lost', async () => {
  const restarts: string[] = []
  const process = await serve(['flights', 'loop'], [], { onRestart: (why) => restarts.push(why) })
  const first = process.pid
  const slow = process.infer('loop', [rounds(40_000n)], live)
  const behind = process.infer('flights', flights(['UA']), live)
  await new Promise((resolve) => setTimeout(resolve, 20))
  kill(first)
  expect(await slow).toMatchObject([{ data: new BigInt64Array([40_000n]) }])
  expect(await behind).toHaveLength(2)
  expect(process.pid).not.toBe(first)
  expect(restarts).toEqual([expect.stringContaining('SIGKILL')])
})

test('a call that never ends costs itself and nobody else', async () => {
  const process = await serve(['loop', 'flights'], [], { timeoutMs: 400 })
  const endless = process.infer('loop', [rounds(10n ** 12n)], live)
  const behind = process.infer('flights', flights(['UA']), live)
  await expect(endless).rejects.toMatchObject({ code: 'timeout' })
  expect(await behind).toHaveLength(2)
  await process.ping()
})

test('however often calls end it, who asks next does not wait for long', async () => {
  const process = await serve(['loop', 'flights'])
  for (let n = 0; n < 5; n++)
    await expect(
      process.infer('loop', [rounds(10n ** 12n)], { ...live, timeoutMs: 150 }),
    ).rejects.toMatchObject({ code: 'timeout' })
  const sinceMs = performance.now()
  expect(await process.infer('flights', flights(['UA']), live)).toHaveLength(2)
  expect(performance.now() - sinceMs).toBeLessThan(2500)
}, 30_000)

test('while its next start is long away callers are told when, and do not wait', async () => {
  const process = await serve(['flights', 'loop'])
  // Each death comes soon after the one before: the next start is put off longer and longer.
  for (let deaths = 0; deaths < 4; deaths++) {
    const before = process.pid
    if (before !== undefined) globalThis.process.kill(before, 'SIGKILL')
    await vi.waitUntil(() => process.state === 'restarting', { interval: 5 })
    if (deaths < 3)
      await vi.waitUntil(() => process.state === 'ready', { interval: 5, timeout: 10_000 })
  }
  const askedMs = performance.now()
  const refused = await process.infer('flights', flights(['AA']), live).catch((error) => error)
  expect(performance.now() - askedMs).toBeLessThan(200)
  expect(refused).toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(
      /ended several times .* started again in \d\.\d s; try again then$/,
    ),
  })
  const { retryAfterMs } = refused.details
  expect(retryAfterMs).toBeGreaterThan(1000)
  expect(retryAfterMs).toBeLessThanOrEqual(1600)
  await sleep(retryAfterMs + 100)
  await expect(process.infer('flights', flights(['AA']), live)).resolves.toHaveLength(2)
})

test('a run that waited behind one that ended the process is made again, and not blamed', async () => {
  const process = await serve(['loop'], ['matrix'], { timeoutMs: 300 })
  for (let time = 0; time < 3; time++) {
    const endless = process.infer('loop', [rounds(10n ** 12n)], live)
    const behind = process.infer('matrix', [matrix(2000)], live)
    await expect(endless).rejects.toMatchObject({ code: 'timeout' })
    expect((await behind)[0]).toMatchObject({ shape: [2000] })
  }
})

test('calls that fill a run each keep their own answers, however often the process is killed', async () => {
  const process = await serve(['loop', 'matrix'])
  for (let round = 0; round < 8; round++) {
    const calls = Array.from({ length: 6 }, (_, n) =>
      n % 2 === 0
        ? process.infer('loop', [rounds(BigInt(20_000 + n))], live)
        : process.infer('matrix', [matrix(1500 + n)], live),
    )
    await new Promise((resolve) => setTimeout(resolve, 7 * round))
    kill(process.pid)
    const answers = await Promise.all(calls)
    for (const [n, [first]] of answers.entries())
      if (n % 2 === 0) expect(first?.data).toEqual(new BigInt64Array([BigInt(20_000 + n)]))
      else expect(first?.shape[0]).toBe(1500 + n)
  }
}, 60_000)

test('what a process is asked has its time from when it is its turn, and only the first is to blame', async () => {
  const models = ['loop', 'matrix'].map((key) => ({ key, path: fixture(key), optional: false }))
  const process = incarnate('asked', models, 0)
  await process.loaded
  const ask = (key: string, input: Tensor, timeoutMs: number) =>
    process.run(key, [input], { timeoutMs })
  const slow = ask('loop', rounds(3_000_000n), 60_000)
  expect(await ask('matrix', matrix(2), 1500)).toHaveLength(2)
  expect(await slow).toHaveLength(1)
  const [endless, behind] = await Promise.allSettled([
    ask('loop', rounds(10n ** 12n), 200),
    ask('matrix', matrix(2), 60_000),
  ])
  expect(endless).toMatchObject({ reason: { timedOut: true, begun: true } })
  expect(behind).toMatchObject({ reason: { timedOut: true, begun: false } })
})

test('a run that hangs ends soon after its last caller went', async () => {
  const restarts: string[] = []
  const onRestart = (why: string) => restarts.push(why)
  const process = await serve(['loop', 'flights'], [], { timeoutMs: 120_000, onRestart })
  for (let n = 0; n < 5; n++) await process.infer('loop', [rounds(3n)], live)
  const endless = process.infer('loop', [rounds(10n ** 12n)], { ...live, deadlineMs: 200 })
  const behind = process.infer('flights', flights(['UA']), live)
  await expect(endless).rejects.toMatchObject({ code: 'timeout' })
  const sinceMs = performance.now()
  expect(await behind).toHaveLength(2)
  expect(performance.now() - sinceMs).toBeLessThan(30_000)
  expect(restarts).toEqual([expect.stringContaining('did not answer in time')])
})

test('a shadow that hangs twice is left out, and live calls go on', async () => {
  const process = await serve(['flights'], ['loop'], { timeoutMs: 5000 })
  const hang = () => process.infer('loop', [rounds(10n ** 12n)], { role: 'shadow', timeoutMs: 150 })
  await expect(hang()).rejects.toMatchObject({ code: 'timeout' })
  await expect(hang()).rejects.toMatchObject({ code: 'timeout' })
  await expect(hang()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('left out'),
  })
  expect(await process.infer('flights', flights(['UA']), live)).toHaveLength(2)
})

test('a process that was stopped is gone, and its calls are refused', async () => {
  const process = await serve(['flights'])
  const { pid } = process
  await process.stop()
  expect(() => kill(pid, 0)).toThrow('ESRCH')
  await expect(process.infer('flights', flights(['AA']), live)).rejects.toMatchObject({
    code: 'unavailable',
  })
})

test('whoever waits for a model whose process is killed as it loads may try again', async () => {
  const logger = pino({ level: 'silent' })
  const process = await supervise(
    { name: 'shared', models: [], timeoutMs: 10_000 },
    { logger, incarnate: (name, models) => incarnate(name, models, 1024 ** 3) },
  )
  started.push(process)
  const first = process.pid
  const flightsModel = { key: 'flights', path: fixture('flights'), optional: false }
  const adding = process.add(flightsModel)
  kill(first)
  await expect(adding).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('while it loaded flights: it ended with SIGKILL'),
  })
  await expect.poll(() => process.state, { timeout: 10_000 }).toBe('ready')
  await process.add(flightsModel)
  expect(await process.infer('flights', flights(['AA']), live)).toHaveLength(2)
})

test('a server that is killed leaves no process behind, not even one that a model keeps busy', async () => {
  const path = JSON.stringify(fixture('loop'))
  const server = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `const { onnxRuntime } = await import('#runtimes/onnx/index')
       const logger = { warn: () => undefined }
       const models = [{ key: 'loop', path: ${path}, optional: false }]
       const options = { name: 'test', timeoutMs: 60_000, models }
       const serving = await onnxRuntime({ logger }).start(options)
       const data = new BigInt64Array([10n ** 12n])
       serving.infer('loop', [{ name: 'rounds', type: 'int64', shape: [1, 1], data }], { role: 'live' })
       setTimeout(() => console.log(serving.pid), 200)`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [printed] = (await once(server.stdout, 'data')) as [Buffer]
  const child = Number(printed.toString())
  kill(child, 0)
  server.kill('SIGKILL')
  await expect.poll(() => isRunning(child), { timeout: 10_000 }).toBe(false)
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function fixture(name: string): string {
  return fileURLToPath(
    new URL(
      `../../../tests/fixtures/models/${name.endsWith('.py') ? name : `${name}.onnx`}`,
      import.meta.url,
    ),
  )
}

const live = { role: 'live' } as const

async function serve(
  required: readonly string[],
  optional: readonly string[] = [],
  options: { timeoutMs?: number; onRestart?: (reason: string) => void } = {},
): Promise<ServingProcess> {
  const held = (key: string, isOptional: boolean): HeldModel => ({
    key,
    path: fixture(key),
    optional: isOptional,
  })
  const process = await runtime.start({
    name: 'test',
    timeoutMs: 10_000,
    models: [...required.map((key) => held(key, false)), ...optional.map((key) => held(key, true))],
    ...options,
  })
  started.push(process)
  return process
}

function kill(pid: number | undefined, signal: NodeJS.Signals | 0 = 'SIGKILL'): void {
  if (pid === undefined) throw new Error('there is no process')
  process.kill(pid, signal)
}

function flights(carriers: readonly string[]): Tensor[] {
  const shape = [carriers.length, 1]
  return [
    { name: 'carrier', type: 'string', shape, data: carriers },
    { name: 'hour', type: 'float32', shape, data: new Float32Array(carriers.length).fill(15) },
    { name: 'distance', type: 'float32', shape, data: new Float32Array(carriers.length).fill(900) },
  ]
}

function matrix(rows: number): Tensor {
  return { name: 'X', type: 'float32', shape: [rows, 4], data: new Float32Array(rows * 4) }
}

function rounds(count: bigint): Tensor {
  return { name: 'rounds', type: 'int64', shape: [1, 1], data: new BigInt64Array([count]) }
}

function pick(index: bigint): Tensor {
  return { name: 'index', type: 'int64', shape: [1, 1], data: new BigInt64Array([index]) }
}
