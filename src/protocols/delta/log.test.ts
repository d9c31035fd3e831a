import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { deletedRows, placeOf, vectorIn } from './deletion-vector.ts'
import { snapshotOf, versionsOf, type LogFiles } from './log.ts'
import { checkReadable, columnsOf } from './schema.ts'

const SCHEMA = JSON.stringify({
  type: 'struct',
  fields: [{ name: 'id', type: 'long', nullable: true, metadata: {} }],
})
const PROTOCOL = { protocol: { minReaderVersion: 1, minWriterVersion: 2 } }
const METADATA = {
  metaData: {
    id: 'table',
    format: { provider: 'parquet', options: {} },
    schemaString: SCHEMA,
    partitionColumns: [],
    configuration: {},
  },
}
const add = (path: string, rest = {}) => ({
  add: { path, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true, ...rest },
})
const remove = (path: string, rest = {}) => ({ remove: { path, dataChange: true, ...rest } })

/** A log in memory: lines by file name; a commit's number is short for its name. */
function logOf(files: Record<string, readonly object[] | Uint8Array>, modifiedMs = 0): LogFiles {
  const named = new Map(
    Object.entries(files).map(([name, lines]) => [
      /^\d+$/.test(name) ? `${name.padStart(20, '0')}.json` : name,
      lines instanceof Uint8Array
        ? lines
        : Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n')),
    ]),
  )
  return {
    list: async () =>
      [...named].map(([name, bytes], index) => ({
        name,
        sizeBytes: bytes.length,
        modifiedMs: modifiedMs + index * 1000,
      })),
    read: async (name) => named.get(name) ?? Buffer.from(''),
  }
}

const pathsAt = async (log: LogFiles, version?: number) =>
  (await snapshotOf('t', log, { version })).files.map(({ path }) => path)

describe('a log', () => {
  const log = logOf({
    0: [PROTOCOL, METADATA, add('a'), add('b')],
    // Removed and added in one commit: what is removed goes first, whatever the order of the lines.
    1: [add('b', { size: 2 }), remove('b'), remove('a')],
    2: [add('c')],
  })

  test('tells the files of each version', async () => {
    expect(await pathsAt(log, 0)).toEqual(['a', 'b'])
    expect(await pathsAt(log, 1)).toEqual(['b'])
    expect(await pathsAt(log)).toEqual(['b', 'c'])
    await expect(pathsAt(log, 3)).rejects.toThrow(/no version 3; its newest is 2/)
  })

  test('begins at the newest checkpoint that is whole', async () => {
    const uuid = '3a0d65cd-4056-49b8-937b-95f9e3ee90e5'
    const files = {
      '00000000000000000001.checkpoint.parquet': new Uint8Array(),
      '00000000000000000002.checkpoint.0000000001.0000000002.parquet': Buffer.from('part'),
      [`00000000000000000001.checkpoint.${uuid}.json`]: [
        PROTOCOL,
        METADATA,
        { sidecar: { path: 'rows.json', sizeInBytes: 1, modificationTime: 0 } },
        remove('gone'),
      ],
      '_sidecars/rows.json': [add('from checkpoint')],
      2: [add('c')],
    }
    expect(await pathsAt(logOf(files))).toEqual(['c', 'from checkpoint'])
    await expect(pathsAt(logOf({ ...files, 4: [add('d')] }))).rejects.toThrow(
      /lacks version 3, which was cleaned away or lost/,
    )
  })

  test('has the same bytes with other rows deleted as another file', async () => {
    const vector = { storageType: 'i', pathOrInlineDv: 'x', sizeInBytes: 1, cardinality: 1 }
    const deleted = logOf({
      0: [PROTOCOL, METADATA, add('a')],
      1: [remove('a'), add('a', { deletionVector: vector })],
    })
    const { files } = await snapshotOf('t', deleted)
    expect(files).toHaveLength(1)
    expect(files[0]?.deletionVector?.pathOrInlineDv).toBe('x')
  })

  test('tells the version at a time, by what commits say or by when they were written', async () => {
    const at = (source: LogFiles, atMs: number) => snapshotOf('t', source, { atMs })
    const written = logOf({ 0: [PROTOCOL, METADATA], 1: [add('a')] }, 10_000)
    expect((await at(written, 10_500)).version).toBe(0)
    expect((await at(written, 11_000)).version).toBe(1)
    await expect(at(written, 9_999)).rejects.toThrow(/had no version at .* which begins at/)
    const said = (inCommitTimestamp: number) => ({ commitInfo: { inCommitTimestamp } })
    const own = logOf({ 0: [said(5000), PROTOCOL, METADATA], 1: [said(4000), add('a')] }, 90_000)
    expect(await versionsOf(own)).toEqual([
      { version: 0, atMs: 5000 },
      { version: 1, atMs: 5000 },
    ])
  })

  test.each<[string, object[], RegExp]>([
    ['without a protocol', [METADATA], /says no protocol/],
    ['without metadata', [PROTOCOL], /says no metadata/],
    [
      'of a later protocol',
      [{ protocol: { minReaderVersion: 4 } }, METADATA],
      /version 4 of Delta's protocol/,
    ],
    [
      'with features that are not known',
      [
        { protocol: { minReaderVersion: 3, readerFeatures: ['catalogManaged', 'v2Checkpoint'] } },
        METADATA,
      ],
      /uses catalogManaged of/,
    ],
    [
      'of types that are not known',
      [
        PROTOCOL,
        {
          metaData: {
            ...METADATA.metaData,
            schemaString: '{"fields":[{"name":"v","type":"variant"}]}',
          },
        },
      ],
      /a column of the type "variant"/,
    ],
  ])('%s is refused', async (_, lines, words) => {
    const read = async () => {
      const snapshot = await snapshotOf('t', logOf({ 0: lines }))
      checkReadable('t', snapshot)
      return columnsOf('t', snapshot)
    }
    await expect(read()).rejects.toThrow(words)
  })

  // As deltalake writes every table of version 3 of the protocol.
  test('is read that could have columns of variants, and has none', async () => {
    const protocol = { minReaderVersion: 3, readerFeatures: ['variantType', 'deletionVectors'] }
    const snapshot = await snapshotOf('t', logOf({ 0: [{ protocol }, METADATA] }))
    expect(() => checkReadable('t', snapshot)).not.toThrow()
  })

  test('says the names that files have columns by, deep within too', async () => {
    const mapped = (name: string, physical: string, type: unknown) => ({
      name,
      type,
      metadata: { 'delta.columnMapping.id': 1, 'delta.columnMapping.physicalName': physical },
    })
    const fields = [
      mapped('id', 'col-1', 'long'),
      mapped('list', 'col-2', {
        type: 'array',
        elementType: { type: 'struct', fields: [mapped('x', 'col-3', 'decimal(12,2)')] },
      }),
    ]
    const schemaString = JSON.stringify({ type: 'struct', fields })
    const configuration = { 'delta.columnMapping.mode': 'name' }
    const snapshot = await snapshotOf(
      't',
      logOf({ 0: [PROTOCOL, { metaData: { ...METADATA.metaData, schemaString, configuration } }] }),
    )
    const x = { kind: 'decimal', precision: 12, scale: 2 }
    expect(columnsOf('t', snapshot)).toEqual([
      { name: 'id', physical: 'col-1', type: { kind: 'plain', name: 'long' } },
      {
        name: 'list',
        physical: 'col-2',
        type: {
          kind: 'list',
          of: { kind: 'struct', fields: [{ name: 'x', physical: 'col-3', type: x }] },
        },
      },
    ])
  })
})

/** A vector of containers, as the portable format of Roaring has them: no runs, then with runs. */
function roaring(
  containers: readonly [high: number, bytes: Buffer, count: number][],
  runs = false,
) {
  const head = Buffer.alloc(12)
  head.writeUInt32LE(1_681_511_377)
  head.writeBigUInt64LE(1n, 4)
  const key = Buffer.alloc(4)
  const cookie = Buffer.alloc(runs ? 4 : 8)
  if (runs) {
    cookie.writeUInt16LE(12_347)
    cookie.writeUInt16LE(containers.length - 1, 2)
  } else {
    cookie.writeUInt32LE(12_346)
    cookie.writeUInt32LE(containers.length, 4)
  }
  const flags = runs ? Buffer.from([0xff]) : Buffer.alloc(0)
  const heads = containers.map(([high, , count]) => {
    const each = Buffer.alloc(4)
    each.writeUInt16LE(high)
    each.writeUInt16LE(count - 1, 2)
    return each
  })
  const offsets = runs ? Buffer.alloc(0) : Buffer.alloc(4 * containers.length)
  const bytes = containers.map(([, each]) => each)
  return Buffer.concat([head, key, cookie, flags, ...heads, offsets, ...bytes])
}

const words = (...values: number[]) => Buffer.from(Uint16Array.from(values).buffer)

/** Bytes as text, four in five signs; filled up with zeros. */
function z85(bytes: Buffer): string {
  const signs =
    '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
  const whole = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
  let text = ''
  for (let at = 0; at < whole.length; at += 4) {
    const value = whole.readUInt32BE(at)
    for (const power of [4, 3, 2, 1, 0]) text += signs[Math.floor(value / 85 ** power) % 85]
  }
  return text
}

describe('a deletion vector', () => {
  test('names rows one by one, by bits, and by runs', () => {
    const bits = Buffer.alloc(8192)
    for (let row = 0; row < 5000; row++) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7))
    const rows = deletedRows(
      roaring([
        [0, words(1, 7, 65_535), 3],
        [2, bits, 5000],
      ]),
      5003,
    )
    expect([...rows.subarray(0, 4)]).toEqual([1, 7, 65_535, 131_072])
    expect(rows.at(-1)).toBe(131_072 + 4999)
    expect([...deletedRows(roaring([[1, words(2, 3, 2, 100, 0), 4]], true), 4)]).toEqual([
      65_539, 65_540, 65_541, 65_636,
    ])
  })

  test('that is cut short, damaged or counted otherwise is refused', () => {
    const whole = roaring([[0, words(1, 2), 2]])
    expect(() => deletedRows(whole, 3)).toThrow(/names 2 rows where its log says 3/)
    expect(() => deletedRows(whole.subarray(0, whole.length - 1), 2)).toThrow(/cut short/)
    const file = Buffer.concat([Buffer.from([1]), Buffer.alloc(4), whole, Buffer.alloc(4)])
    file.writeUInt32BE(whole.length, 1)
    file.writeUInt32BE(crc32(whole), 5 + whole.length)
    expect(Buffer.from(vectorIn(file, { offset: 1, name: 'dv' }))).toEqual(whole)
    file[10] = 0xff
    expect(() => vectorIn(file, { offset: 1, name: 'dv' })).toThrow(/dv is cut short or damaged/)
  })

  test('lies in a file that its name says, or in the log', () => {
    const vector = { offset: 4, sizeInBytes: 40, cardinality: 6 }
    // The example of Delta's own protocol.
    expect(
      placeOf({ ...vector, storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^' }),
    ).toEqual({
      kind: 'file',
      path: 'ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin',
      offset: 4,
    })
    const bytes = roaring([[0, words(3, 4, 7, 11, 18, 29), 6]])
    const inline = placeOf({
      ...vector,
      storageType: 'i',
      pathOrInlineDv: z85(bytes),
      sizeInBytes: bytes.length,
    })
    expect(inline.kind === 'inline' && [...deletedRows(inline.bytes, 6)]).toEqual([
      3, 4, 7, 11, 18, 29,
    ])
  })
})
