import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Finding } from '#data'
import { dvcEnvironment, ours, sandbox, type Sandbox } from './support.ts'
import { MAIN } from '../../support/orrery.ts'

let original: Sandbox
const copies: Sandbox[] = []

beforeAll(() => {
  original = sandbox()
  const box = original
  box.dvc('init', '-q')
  box.dvc('remote', 'add', '-q', '-d', 'backup', join(box.root, '..', 'remote'))
  box.write('data.csv', 'a table\n')
  box.write('folder/part', 'a part\n')
  box.write('folder/other', 'another part\n')
  box.dvc('add', '-q', 'data.csv', 'folder')
  box.git('add', '-A')
  box.git('commit', '-q', '-m', 'all')
  box.dvc('push', '-q')
})
afterAll(() => original.remove())
afterEach(() => {
  for (const box of copies.splice(0)) box.remove()
})

function copy(): Sandbox {
  const box = sandbox()
  copies.push(box)
  rmSync(dirname(box.root), { recursive: true })
  cpSync(dirname(original.root), dirname(box.root), { recursive: true })
  box.write('.dvc/config', original.read('.dvc/config'))
  box.write(
    '.dvc/config.local',
    `['remote "backup"']\n    url = ${join(box.root, '..', 'remote')}\n`,
  )
  return box
}

/** The object of a file's bytes, wherever it lies. */
function objectOf(box: Sandbox, text: string, top = '.dvc/cache'): string {
  const found = Object.entries(box.tree(`${top}/files/md5`)).find(([, bytes]) => bytes === text)
  if (found === undefined) throw new Error(`no object holds ${text}`)
  return join(box.root, top, 'files/md5', found[0])
}

function splitAt2(md5: string): string[] {
  return [md5.slice(0, 2), md5.slice(2)]
}

function damage(path: string): void {
  chmodSync(path, 0o644)
  const bytes = readFileSync(path)
  bytes[0] = 0x58
  writeFileSync(path, bytes)
  chmodSync(path, 0o444)
}

const byText = (one: unknown, other: unknown) => (String(one) < String(other) ? -1 : 1)

const brief = (findings: readonly Finding[]) =>
  findings.map(({ place, fault, neededBy, outcome }) => [
    place,
    fault,
    neededBy?.part ?? neededBy?.path,
    outcome.kind === 'mended' ? outcome.how : outcome.kind,
  ])

describe('fsck of the cache', () => {
  test('finds nothing in a good one, and changes nothing', async () => {
    const box = copy()
    const before = box.tree('.dvc/cache')
    const found = await ours(box).upkeep.scrub({ remote: { name: undefined }, deep: true })
    expect(found).toMatchObject({ findings: [], broken: false, notHere: [] })
    expect(found.checked).toMatchObject([{ objects: 4 }, { objects: 4 }])
    expect(box.tree('.dvc/cache')).toEqual(before)
  })

  test('mends damaged and lost objects from the workspace, and puts the damaged aside', async () => {
    const box = copy()
    const before = box.tree('.dvc/cache/files')
    damage(objectOf(box, 'a table\n'))
    rmSync(objectOf(box, 'a part\n'))
    const found = await ours(box).upkeep.scrub({})
    expect(brief(found.findings).toSorted(byText)).toEqual([
      ['the cache', 'damaged', 'data.csv', 'from data.csv in the workspace'],
      ['the cache', 'missing', 'part', 'from folder/part in the workspace'],
    ])
    expect(found.broken).toBe(false)
    expect(box.tree('.dvc/cache/files')).toEqual(before)
    const [bag = ''] = readdirSync(join(box.root, '.dvc/cache/orrery/damaged'))
    const aside = box.tree(`.dvc/cache/orrery/damaged/${bag}/files`)
    expect(Object.values(aside)).toEqual(['X table\n'])
    expect(JSON.parse(box.dvc('status', '--json'))).toEqual({})
  })

  test('mends from the remote what the workspace has no more, lists of folders too', async () => {
    const box = copy()
    const before = box.tree('.dvc/cache/files')
    damage(objectOf(box, 'a table\n'))
    const list = Object.keys(before).find((name) => name.endsWith('.dir')) ?? ''
    damage(join(box.root, '.dvc/cache/files', list))
    rmSync(objectOf(box, 'a part\n'))
    rmSync(join(box.root, 'data.csv'))
    rmSync(join(box.root, 'folder'), { recursive: true })
    const alone = await ours(box).upkeep.scrub({ dry: true })
    expect(alone.broken).toBe(true)
    const found = await ours(box).upkeep.scrub({ remote: { name: 'backup' } })
    expect(found.findings.map(({ outcome }) => outcome)).toEqual(
      found.findings.map(() => ({ kind: 'mended', how: 'from the remote backup' })),
    )
    expect(found.findings).toHaveLength(3)
    expect(box.tree('.dvc/cache/files')).toEqual(before)
    box.dvc('checkout', '-q')
    expect(box.read('folder/part')).toBe('a part\n')
  })

  test('says what stays broken, and for whom', async () => {
    const box = copy()
    damage(objectOf(box, 'a table\n'))
    rmSync(join(box.root, 'data.csv'))
    const found = await ours(box).upkeep.scrub({})
    expect(found.broken).toBe(true)
    expect(found.findings[0]).toMatchObject({
      fault: 'damaged',
      neededBy: { path: 'data.csv', owner: 'data.csv.dvc', by: { kind: 'workspace' } },
      outcome: { kind: 'broken' },
    })
  })

  test('does not call it a fault that data was never fetched', async () => {
    const box = copy()
    rmSync(join(box.root, '.dvc/cache'), { recursive: true })
    rmSync(join(box.root, 'data.csv'))
    rmSync(join(box.root, 'folder'), { recursive: true })
    const found = await ours(box).upkeep.scrub({ remote: { name: 'backup' } })
    expect(found).toMatchObject({ findings: [], broken: false })
    expect(found.notHere.map(({ path }) => path)).toEqual(['data.csv', 'folder'])
  })

  test('makes read-only again what lies open, once it was read, and puts strays aside', async () => {
    const box = copy()
    const object = objectOf(box, 'a table\n')
    chmodSync(object, 0o644)
    const stray = join(dirname(object), '.tmp-of-a-crash')
    writeFileSync(stray, 'half')
    const found = await ours(box).upkeep.scrub({})
    expect(found.findings.map(({ fault }) => fault)).toEqual(['unprotected'])
    expect(statSync(object).mode & 0o777).toBe(0o444)
    utimesSync(stray, 1, 1)
    const later = await ours(box).upkeep.scrub({})
    expect(later.findings).toMatchObject([{ fault: 'stray', outcome: { kind: 'put aside' } }])
    expect(existsSync(stray)).toBe(false)
  })

  test('takes objects of DVC 2 in either of the ways that it hashed them', async () => {
    const box = copy()
    // Of text, the hash is that of its lines with LF; of all else, that of its bytes.
    for (const [name, bytes, hashed] of [
      ['old.csv', 'a,b\r\n1,2\r\n', 'a,b\n1,2\n'],
      ['old.bin', 'a\0b\r\n', 'a\0b\r\n'],
    ] as const) {
      const md5 = hash('md5', hashed)
      const object = `.dvc/cache/${md5.slice(0, 2)}/${md5.slice(2)}`
      box.write(name, bytes)
      box.write(object, bytes)
      chmodSync(join(box.root, object), 0o444)
      box.write(`${name}.dvc`, `outs:\n- md5: ${md5}\n  size: ${bytes.length}\n  path: ${name}\n`)
    }
    expect(JSON.parse(box.dvc('status', '--json'))).toEqual({})
    const found = await ours(box).upkeep.scrub({})
    expect(found.findings).toEqual([])
    expect(found.checked).toMatchObject([{ objects: 6 }])
    damage(join(box.root, '.dvc/cache', ...splitAt2(hash('md5', 'a\0b\r\n'))))
    const { findings } = await ours(box).upkeep.scrub({})
    expect(brief(findings)).toEqual([
      ['the cache', 'damaged', 'old.bin', 'from old.bin in the workspace'],
    ])
  })

  test('with --dry tells and touches nothing', async () => {
    const box = copy()
    damage(objectOf(box, 'a table\n'))
    const before = box.tree('.dvc/cache')
    const found = await ours(box).upkeep.scrub({ dry: true })
    expect(brief(found.findings)).toEqual([['the cache', 'damaged', 'data.csv', 'untouched']])
    expect(found.broken).toBe(true)
    expect(box.tree('.dvc/cache')).toEqual(before)
  })
})

describe('fsck of a remote', () => {
  test('mends from the cache what lacks there or has another size', async () => {
    const box = copy()
    const before = box.tree('../remote/files')
    rmSync(objectOf(box, 'a part\n', '../remote'))
    const short = objectOf(box, 'a table\n', '../remote')
    chmodSync(short, 0o644)
    writeFileSync(short, 'a ta')
    const found = await ours(box).upkeep.scrub({ remote: { name: undefined } })
    expect(brief(found.findings).toSorted(byText)).toEqual([
      ['the remote backup', 'damaged', 'data.csv', 'from the cache'],
      ['the remote backup', 'missing', 'part', 'from the cache'],
    ])
    expect(box.tree('../remote/files')).toEqual(before)
  })

  test('reads the bytes only with --deep', async () => {
    const box = copy()
    damage(objectOf(box, 'a table\n', '../remote'))
    const shallow = await ours(box).upkeep.scrub({ remote: { name: undefined } })
    expect(shallow.findings).toEqual([])
    const deep = await ours(box).upkeep.scrub({ remote: { name: undefined }, deep: true })
    expect(brief(deep.findings)).toEqual([
      ['the remote backup', 'damaged', 'data.csv', 'from the cache'],
    ])
  })
})

test('a link of the workspace to a lost object is found, and whole again once that is mended', async () => {
  const box = copy()
  box.dvc('config', '-q', 'cache.type', 'symlink')
  box.dvc('checkout', '-q', '--relink')
  rmSync(objectOf(box, 'a part\n'))
  const found = await ours(box).upkeep.scrub({})
  expect(brief(found.findings)).toEqual([
    ['the cache', 'missing', 'part', 'broken'],
    ['the workspace', 'broken link', undefined, 'broken'],
  ])
  const mended = await ours(box).upkeep.scrub({ remote: { name: 'backup' } })
  expect(brief(mended.findings)).toEqual([
    ['the cache', 'missing', 'part', 'from the remote backup'],
  ])
  expect(box.read('folder/part')).toBe('a part\n')
})

test('the command exits with 1 as long as something is broken, and prints JSON', () => {
  const box = copy()
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [MAIN, 'fsck', ...args], {
      cwd: box.root,
      env: dvcEnvironment(),
      stdio: 'pipe',
    }).toString()
  damage(objectOf(box, 'a table\n'))
  expect(() => run('--dry', '-q')).toThrow(expect.objectContaining({ status: 1 }) as Error)
  expect(run()).toMatch(/damaged \w+ in the cache: data.csv \(data.csv.dvc\).*mended from data.csv/)
  expect(JSON.parse(run('--json', '-c', '-A'))).toMatchObject({ broken: false, findings: [] })
})
