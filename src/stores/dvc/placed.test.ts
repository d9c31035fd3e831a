import { hash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { placeAll } from './placed.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'orrery-placed-'))
  mkdirSync(join(root, '.dvc', 'tmp'), { recursive: true })
  mkdirSync(home())
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const home = () => join(root, 'data')

/** Objects, and where they go: all into one folder. */
function files(count: number) {
  return Array.from({ length: count }, (_, index) => {
    const object = join(root, `object-${index}`)
    writeFileSync(object, `bytes of ${index}`)
    const path = `data/${index}.txt`
    return { path, object, target: join(root, path), md5: hash('md5', `bytes of ${index}`) }
  })
}

type How = Partial<Parameters<typeof placeAll>[1]>

function placed(some: ReturnType<typeof files>, how: How = {}) {
  return placeAll(some, { root, types: ['copy'], executable: false, ...how })
}

test.each(['copy', 'hardlink', 'symlink'] as const)(
  'an empty folder gets all of its files at once, by %s',
  async (type) => {
    const some = files(500)
    const seen = new Set<number>()
    const looks = await placed(some, {
      types: [type],
      empty: new Set([home()]),
      onStep: () => seen.add(existsSync(home()) ? readdirSync(home()).length : 0),
    })
    expect([...seen]).toEqual([0, 500])
    for (const [index, { target, object }] of some.entries()) {
      expect(readFileSync(target, 'utf8')).toBe(readFileSync(object, 'utf8'))
      const { ino, mtimeMs, ctimeMs, size } = statSync(target)
      expect([...looks.subarray(index * 4, index * 4 + 4)]).toEqual([ino, mtimeMs, ctimeMs, size])
    }
    expect(readdirSync(join(root, '.dvc', 'tmp'))).toEqual([])
  },
)

test('what somebody else puts there meanwhile stays', async () => {
  const some = files(500)
  await placed(some, {
    empty: new Set([home()]),
    onStep: () => {
      mkdirSync(home(), { recursive: true })
      writeFileSync(join(home(), 'other.txt'), 'of somebody else')
    },
  })
  expect(readdirSync(home())).toHaveLength(501)
  expect(readFileSync(join(home(), 'other.txt'), 'utf8')).toBe('of somebody else')
})

test('an object that is damaged does not keep the others out', async () => {
  const some = files(20)
  writeFileSync(join(root, 'object-7'), 'else')
  await expect(placed(some, { empty: new Set([home()]) })).rejects.toThrow('data/7.txt')
  expect(readdirSync(home())).toHaveLength(19)
})
