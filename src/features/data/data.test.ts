import { describe, expect, test } from 'vitest'
import { contentWithPart, placeOf, withPart } from './add.ts'
import type { Content, TreeEntry } from './content.ts'
import { outsNamed, type Out } from './out.ts'
import type { Failed, ObjectName, Objects, Remote } from './store.ts'
import { pulled, pushed } from './transfer.ts'

const hashOf = (name: string) => name.padEnd(32, '0')
const file = (name: string): Content => ({ md5: hashOf(name) })
const folder = (name: string): Content => ({ md5: `${hashOf(name)}.dir` })

/** Objects in memory that keep the order in which they came, and refuse those that are named. */
function memory(
  names: readonly string[],
  trees: Record<string, TreeEntry[]>,
  broken: readonly string[] = [],
) {
  const kept = new Set(names)
  const objects: Objects = {
    missing: async (wanted) => wanted.filter(({ md5 }) => !kept.has(md5)),
    tree: async ({ md5 }) => (kept.has(md5) ? trees[md5] : undefined),
  }
  const take = async (wanted: readonly ObjectName[]): Promise<Failed[]> => {
    for (const { md5 } of wanted) if (!broken.includes(md5)) kept.add(md5)
    return wanted
      .filter(({ md5 }) => broken.includes(md5))
      .map((object) => ({ object, reason: 'the disk is full' }))
  }
  return { kept, objects, take }
}

const TREE = {
  [folder('f').md5]: [
    { path: 'a', md5: hashOf('a') },
    { path: 'sub/b', md5: hashOf('b') },
  ],
}
const ALL = [hashOf('a'), hashOf('b'), hashOf('single'), folder('f').md5]
const CARGO = [
  { path: 'f', content: folder('f'), part: undefined },
  { path: 'single', content: file('single'), part: undefined },
]

function remoteOf(there: ReturnType<typeof memory>, here: ReturnType<typeof memory>): Remote {
  return { name: 'r', ...there.objects, upload: there.take, download: here.take }
}

describe('push', () => {
  test('copies the list of a folder after all of its files', async () => {
    const [here, there] = [memory(ALL, TREE), memory([], TREE)]
    expect(await pushed(CARGO, here.objects, remoteOf(there, here))).toEqual({
      objects: 4,
      failed: [],
    })
    expect([...there.kept].at(-1)).toBe(folder('f').md5)
  })

  test('does not copy the list when a file of it failed', async () => {
    const [here, there] = [memory(ALL, TREE), memory([], TREE, [hashOf('b')])]
    const { failed } = await pushed(CARGO, here.objects, remoteOf(there, here))
    expect(failed).toEqual([{ path: 'f', reason: 'the disk is full' }])
    expect([...there.kept].toSorted()).toEqual([hashOf('a'), hashOf('single')].toSorted())
  })

  test('takes a list that is there as proof of its files', async () => {
    const [here, there] = [memory(ALL, TREE), memory([folder('f').md5, hashOf('single')], TREE)]
    expect(await pushed(CARGO, here.objects, remoteOf(there, here))).toEqual({
      objects: 0,
      failed: [],
    })
  })
})

describe('pull', () => {
  test('brings lists first, then what they name', async () => {
    const [here, there] = [memory([], TREE), memory(ALL, TREE)]
    expect(await pulled(CARGO, here.objects, remoteOf(there, here))).toEqual({
      objects: 4,
      failed: [],
    })
    expect([...here.kept].toSorted()).toEqual(ALL.toSorted())
  })

  test('of a part brings only that', async () => {
    const [here, there] = [memory([], TREE), memory(ALL, TREE)]
    await pulled(
      [{ path: 'f', content: folder('f'), part: 'sub' }],
      here.objects,
      remoteOf(there, here),
    )
    expect([...here.kept].toSorted()).toEqual([folder('f').md5, hashOf('b')].toSorted())
  })

  test('names what it could not bring', async () => {
    const [here, there] = [memory([], TREE, [hashOf('a')]), memory(ALL, TREE)]
    const { failed } = await pulled(CARGO, here.objects, remoteOf(there, here))
    expect(failed).toEqual([{ path: 'f', reason: 'the disk is full' }])
  })
})

const out = (path: string, how: Partial<Out> = {}): Out => ({
  path,
  owner: { kind: 'tracked', file: `${path}.dvc`, frozen: false, imported: false },
  content: undefined,
  cached: true,
  push: true,
  remote: undefined,
  ...how,
})
const OUTS = [
  out('data', { content: folder('f') }),
  out('single', { content: file('single') }),
  out('models/x', { owner: { kind: 'stage', file: 'dvc.yaml', address: 'train@x' } }),
]

describe('a path that is added', () => {
  const places: [string, string][] = [
    ['new.csv', 'new'],
    ['data', 'known'],
    ['data/sub/file', 'part'],
    ['database', 'new'],
  ]
  test.each(places)('%s is %s', (path, kind) => {
    expect(placeOf(path, OUTS).kind).toBe(kind)
  })

  const refused: [string, RegExp][] = [
    ['models', /models\/x in it is already tracked/],
    ['models/x', /written by the stage train@x/],
    ['single/inside', /tracked as a single file/],
    ['', /whole project/],
    ['x.dvc', /describes data/],
    ['.dvc/config', /belongs to \.dvc/],
  ]
  test.each(refused)('%j is refused', (path, words) => {
    expect(() => placeOf(path, OUTS)).toThrow(words)
  })

  test('that is a part of a folder replaces what was there and nothing else', () => {
    const before = [
      { path: 'a', md5: '1' },
      { path: 'a/b', md5: '2' },
      { path: 'ab', md5: '3' },
    ]
    expect(withPart(before, 'a', [{ path: 'a/c', md5: '4' }])).toEqual([
      { path: 'ab', md5: '3' },
      { path: 'a/c', md5: '4' },
    ])
  })

  test('leaves the size of its folder known only where DVC knows it', () => {
    const before = { ...folder('f'), sizeBytes: 10, files: 2 }
    const after = { md5: folder('g').md5, files: 3 }
    expect(contentWithPart(before, after, { sizeBytes: 5, appended: true }).sizeBytes).toBe(15)
    expect(
      contentWithPart(before, after, { sizeBytes: 5, appended: false }).sizeBytes,
    ).toBeUndefined()
    expect(
      contentWithPart(before, { md5: folder('f').md5, files: 2 }, { sizeBytes: 5, appended: false })
        .sizeBytes,
    ).toBe(10)
  })
})

describe('a word of the command line means', () => {
  const meanings: [string, string[]][] = [
    ['data', ['data']],
    ['data.dvc', ['data']],
    ['data/sub/b', ['data sub/b']],
    ['train', ['models/x']],
    ['train@x', ['models/x']],
    ['dvc.yaml', ['models/x']],
    ['models', ['models/x']],
    ['nothing', []],
  ]
  test.each(meanings)('%s', (word, expected) => {
    const found = outsNamed(OUTS, word).map((each) =>
      [each.out.path, each.part].filter((text) => text !== undefined).join(' '),
    )
    expect(found).toEqual(expected)
  })
})
