import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Problem } from '#base/problem'
import type { HeldModel, ServingProcess, Tensor } from '#inference'
import { chanceOf } from '../../../tests/support/random.ts'
import { admitted } from './gate.ts'
import { onnxRuntime } from './index.ts'

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'tests', 'fixtures', 'models')
const MIB = 1024 * 1024
const live = { role: 'live' } as const

let folder: string
const started: ServingProcess[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-gate-'))
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.stop()))
})

test.each<[what: string, file: Buffer, says: RegExp]>([
  ['an empty file', Buffer.alloc(0), /empty; export the model again/],
  ['a text', Buffer.from('model: iris\n'.repeat(9)), /damaged or not ONNX/],
  ['a pickle', Buffer.from([0x80, 4, 0x95, 0, 0]), /is a pickle, not ONNX.*orrery convert/],
  ['an archive of PyTorch', Buffer.from('PK\u0003\u0004----'), /zip archive/],
  ['a file without a graph', field(1, 9), /holds no graph/],
  ['an IR version to come', model({ ir: 14 }), /IR version 14.*1 to 13/],
  ['an opset to come', model({ opset: 99 }), /opset 99 of ai.onnx.*target_opset 26/],
  ['a custom operator', model({ domain: 'my.ops' }), /custom operator Identity of my.ops/],
  ['half floats of the brain', model({ type: 16 }), /input x is of type bfloat16.*float32/],
  ['a constant in bfloat16', model({ tensors: [tensor([1], 16, 2)] }), /constant w.*bfloat16/],
  [
    'a constant larger than its numbers',
    model({ tensors: [tensor([1_000_000, 1_000_000], 1, 4)] }),
    /constant w of the shape \[1000000, 1000000\] takes 4000000000000 bytes, but 4 are there/,
  ],
  ['a negative dimension', model({ tensors: [tensor([-4], 1, 4)] }), /negative dimension/],
  ['a list as output', model({ output: sequence() }), /output y is a sequence.*tensors as outputs/],
  [
    'data outside, absolutely',
    model({ tensors: [external('/etc/hostname')] }),
    /outside the model/,
  ],
  [
    'data outside, upwards',
    model({ tensors: [external('../../x')] }),
    /outside the model's folder/,
  ],
  [
    'data outside, of a graph in a graph',
    model({ nested: 3, inmost: field(5, external('/etc/hostname')) }),
    /outside the model's folder/,
  ],
  [
    'data outside, of a node',
    model({ nested: 1, inmost: constant(external('../x')) }),
    /outside the model's folder/,
  ],
  [
    'data outside, of a function',
    model({ functions: [constant(external('../x'), 7)] }),
    /outside the model's folder/,
  ],
  ['data outside, by a link', model({ tensors: [external('link')] }), /outside the model's folder/],
  [
    'data that is missing',
    model({ tensors: [external('none.bin')] }),
    /not among the model's files/,
  ],
  [
    'data that is too short',
    model({ tensors: [external('short.bin')] }),
    /does not fit the 2 that/,
  ],
  [
    'graphs in graphs without end',
    model({ tensors: [], nested: 200 }),
    /nests graphs more than 32/,
  ],
])('%s is refused with what to do', async (_, file, says) => {
  const inside = join(folder, 'model')
  await mkdir(inside)
  await writeFile(join(folder, 'secret'), 'of somebody else')
  await symlink(join(folder, 'secret'), join(inside, 'link'))
  await writeFile(join(inside, 'short.bin'), 'ab')
  const path = join(inside, 'model.onnx')
  await writeFile(path, file)
  expect(refusalOf(path)).toMatch(says)
})

test('numbers in a file beside the model are read from there', async () => {
  const path = join(folder, 'model.onnx')
  await writeFile(path, model({ tensors: [external('w.bin')], add: true }))
  await writeFile(join(folder, 'w.bin'), new Float32Array([40]))
  const process = await serve({ key: 'm', path, optional: false })
  expect(await process.infer('m', [x([2])], live)).toMatchObject([{ data: new Float32Array([42]) }])
})

test('half floats go in and out bit by bit, and an input that has a value of its own may be left out', async () => {
  const path = join(folder, 'half.onnx')
  await writeFile(path, model({ type: 10 }))
  const other = join(folder, 'optional.onnx')
  const w = tensor([1], 1, new Float32Array([40]))
  await writeFile(other, model({ tensors: [w], add: true, inputs: [info(11, 'w', 1, [''])] }))
  const process = await serve(
    { key: 'half', path, optional: false },
    { key: 'optional', path: other, optional: false },
  )
  const data = new Uint16Array([0x3c00, 0x7e00])
  const half = { name: 'x', type: 'float16', shape: [2, 1], data } as unknown as Tensor
  expect(await process.infer('half', [half], live)).toMatchObject([{ type: 'float16', data }])
  expect(process.shapes.get('optional')?.inputs.map(({ name }) => name)).toEqual(['x'])
  expect(await process.infer('optional', [x([1, 2])], live)).toMatchObject([
    { data: new Float32Array([41, 42]) },
  ])
  expect(await process.infer('optional', [x([])], live)).toMatchObject([
    { shape: [0, 1], data: new Float32Array([]) },
  ])
})

test('a list of maps from class to probability is taken off, and its tensor answers instead', async () => {
  const path = join(folder, 'zipmap.onnx')
  await writeFile(path, await readFile(join(FIXTURES, 'zipmap.onnx')))
  const process = await serve(
    { key: 'zipmap', path, optional: false },
    { key: 'matrix', path: join(FIXTURES, 'matrix.onnx'), optional: false },
  )
  expect(process.shapes.get('zipmap')?.outputs).toEqual([
    { name: 'label', type: 'int64', shape: [null] },
    { name: 'probabilities', type: 'float32', shape: [null, 3] },
  ])
  const rows = [{ ...x([0.5, -1, 2, 0.1]), name: 'X', shape: [1, 4] }]
  expect(await process.infer('zipmap', rows, live)).toEqual(
    await process.infer('matrix', rows, live),
  )
})

test('a model that asks for more memory than it may have is refused, and its neighbours go on', async () => {
  const path = join(folder, 'bomb.onnx')
  await writeFile(path, bomb())
  const runtime = onnxRuntime({ logger: pino({ level: 'silent' }), memoryBytesMax: 1024 * MIB })
  const process = await runtime.start({
    name: 'test',
    timeoutMs: 5000,
    models: [
      { key: 'bomb', path, optional: true },
      { key: 'matrix', path: join(FIXTURES, 'matrix.onnx'), optional: false },
    ],
  })
  started.push(process)
  const { pid } = process
  const sized = (rows: bigint): Tensor[] => [
    { name: 'n', type: 'int64', shape: [1], data: new BigInt64Array([rows]) },
  ]
  expect(await process.infer('bomb', sized(10n), live)).toMatchObject([{ shape: [10] }])
  await expect(process.infer('bomb', sized(1_500_000_000n), live)).rejects.toMatchObject({
    code: 'limit',
    message: expect.stringMatching(/more memory than .* may take \(it asked for 6000000000 bytes/),
  })
  const rows = [{ ...x([0, 0, 0, 0]), name: 'X', shape: [1, 4] }]
  expect(await process.infer('matrix', rows, live)).toHaveLength(2)
  expect(process.pid).toBe(pid)
})

test('three hundred damaged models are refused or answer, and cost no process', async () => {
  const random = chanceOf(7).next
  const models: HeldModel[] = []
  let refused = 0
  for (const name of ['flights', 'matrix', 'zipmap', 'pick', 'echo', 'loop']) {
    const whole = await readFile(join(FIXTURES, `${name}.onnx`))
    for (let index = 0; index < 50; index++) {
      const key = `${name}-${index}`
      const path = join(folder, `${key}.onnx`)
      await writeFile(path, mutated(whole, random))
      if (refusalOf(path) !== undefined) refused += 1
      models.push({ key, path, optional: true })
    }
  }
  expect(refused).toBeGreaterThan(50)
  const process = await serve(...models)
  const { pid } = process
  for (const [key, { inputs }] of process.shapes) {
    const feeds = inputs.map(({ name, type, shape }): Tensor => {
      const sizes = shape.length === 2 ? [2, 1] : [2]
      if (type === 'string') return { name, type, shape: sizes, data: ['a', 'b'] }
      return { name, type: 'float32', shape: sizes, data: new Float32Array(2) }
    })
    await process.infer(key, feeds, { ...live, timeoutMs: 3000 }).catch((error: unknown) => {
      expect(error).toBeInstanceOf(Problem)
    })
  }
  expect(process.failures.size).toBeGreaterThanOrEqual(refused)
  await process.ping()
  expect(process.pid).toBe(pid)
}, 60_000)

function refusalOf(path: string): string | undefined {
  try {
    admitted(path)
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(Problem)
    return (error as Problem).message
  }
}

async function serve(...models: readonly HeldModel[]): Promise<ServingProcess> {
  const runtime = onnxRuntime({ logger: pino({ level: 'silent' }) })
  const process = await runtime.start({ name: 'test', timeoutMs: 10_000, models })
  started.push(process)
  return process
}

/** A file with some bits turned, some bytes lost, or its end cut off. */
function mutated(whole: Buffer, random: () => number): Buffer {
  const at = () => Math.floor(random() * whole.length)
  const kind = random()
  if (kind < 0.2) return whole.subarray(0, at())
  const copy = Buffer.from(whole)
  if (kind < 0.4) {
    const [start, length] = [at(), 1 + Math.floor(random() * 40)]
    return Buffer.concat([copy.subarray(0, start), copy.subarray(start + length)])
  }
  for (let flips = 1 + Math.floor(random() * 8); flips > 0; flips--) {
    const place = at()
    copy[place] = (copy[place] ?? 0) ^ (1 << Math.floor(random() * 8))
  }
  return copy
}

function x(values: readonly number[]): Tensor {
  return {
    name: 'x',
    type: 'float32',
    shape: [values.length, 1],
    data: new Float32Array(values),
  }
}

// Below is as much of ONNX's encoding as makes files that no exporter would write.

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    if (rest <= 0x7fn) return Buffer.from(bytes)
  }
}

function field(number: number, value: number | string | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number * 8), varint(value)])
  const bytes = Buffer.from(value)
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

function message(...fields: Buffer[]): Buffer {
  return Buffer.concat(fields)
}

/** A tensor [n,1] as the graph's input (11) or output (12). */
function info(
  number: number,
  name: string,
  type: number,
  dims: readonly string[] = ['n', ''],
): Buffer {
  const sizes = dims.map((size) => field(1, size === '' ? field(1, 1) : field(2, size)))
  const tensorType = message(field(1, type), field(2, message(...sizes)))
  return field(number, message(field(1, name), field(2, field(1, tensorType))))
}

/** A list of tensors as the graph's output. */
function sequence(): Buffer {
  return field(12, message(field(1, 'y'), field(2, field(4, field(1, field(1, field(1, 1)))))))
}

function tensor(dims: readonly number[], type: number, numbers: number | Float32Array): Buffer {
  const raw = typeof numbers === 'number' ? Buffer.alloc(numbers) : Buffer.from(numbers.buffer)
  return message(
    ...dims.map((size) => field(1, size)),
    field(2, type),
    field(8, 'w'),
    field(9, raw),
  )
}

function external(location: string): Buffer {
  const entry = field(13, message(field(1, 'location'), field(2, location)))
  return message(field(1, 1), field(2, 1), field(8, 'w'), entry, field(14, 1))
}

/** `y = x`, or `y = x + w`, with something about it that is not as it should be. */
function model(options: {
  ir?: number
  opset?: number
  domain?: string
  type?: number
  tensors?: readonly Buffer[]
  add?: boolean
  nested?: number
  /** What lies in the inmost graph. */
  inmost?: Buffer
  functions?: readonly Buffer[]
  output?: Buffer
  inputs?: readonly Buffer[]
}): Buffer {
  const { type = 1, tensors = [], add = false, domain = '' } = options
  const inputs = [field(1, 'x'), ...(add ? [field(1, 'w')] : [])]
  const node = message(
    ...inputs,
    field(2, 'y'),
    field(4, add ? 'Add' : 'Identity'),
    field(7, domain),
  )
  let nested: Buffer = options.inmost ?? Buffer.alloc(0)
  for (let depth = options.nested ?? 0; depth > 0; depth--)
    nested = field(1, message(field(4, 'If'), field(5, field(6, nested))))
  const graph = message(
    field(1, node),
    nested,
    field(2, 'graph'),
    ...tensors.map((each) => field(5, each)),
    info(11, 'x', type),
    ...(options.inputs ?? []),
    options.output ?? info(12, 'y', type),
  )
  return message(
    field(1, options.ir ?? 9),
    field(7, graph),
    field(8, message(field(1, domain), field(2, domain === '' ? (options.opset ?? 18) : 1))),
    ...(options.functions ?? []).map((each) => field(25, each)),
  )
}

/** A node of a graph or, by another number, of a function, whose value is this tensor. */
function constant(tensorOfIt: Buffer, number = 1): Buffer {
  return field(number, message(field(4, 'Constant'), field(5, message(field(5, tensorOfIt)))))
}

/** As many zeros as its input says. */
function bomb(): Buffer {
  const node = message(field(1, 'n'), field(2, 'y'), field(4, 'ConstantOfShape'))
  return message(
    field(1, 9),
    field(
      7,
      message(field(1, node), field(2, 'graph'), info(11, 'n', 7, ['']), info(12, 'y', 1, ['m'])),
    ),
    field(8, message(field(1, ''), field(2, 18))),
  )
}
