import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { linkFiles } from './copying.ts'
import { LOOK_NUMBERS, noteLook } from './looking.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-copying-'))
  writeFileSync(source(), 'as it was hashed')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const source = () => join(folder, 'file')
const object = () => join(folder, 'object')

function lookOf(path: string): Float64Array {
  const looks = new Float64Array(LOOK_NUMBERS)
  noteLook(statSync(path), looks, 0)
  return looks
}

function linked(looks: Float64Array) {
  return linkFiles({ sources: source(), objects: object(), looks })
}

/** Looks that do something as soon as the time of the file's last change has been compared. */
function looksThat(act: () => void): Float64Array {
  return new Proxy(lookOf(source()), {
    get: (looks, key) => {
      if (key === '2') act()
      const value: unknown = Reflect.get(looks, key)
      return typeof value === 'function' ? (value.bind(looks) as unknown) : value
    },
  })
}

describe('a file that becomes an object without a copy', () => {
  test('is read-only from then on, and how it looks is told', () => {
    const { faults, isLinked, looks } = linked(lookOf(source()))
    expect({ faults, isLinked }).toEqual({ faults: [], isLinked: [true] })
    expect(statSync(object()).ino).toBe(statSync(source()).ino)
    expect(statSync(object()).mode & 0o777).toBe(0o444)
    expect(looks).toEqual(lookOf(source()))
  })

  test('is none if it looks otherwise than when it was hashed', () => {
    const looks = lookOf(source())
    writeFileSync(source(), 'something longer than it was')
    expect(linked(looks).faults).toMatchObject([{ what: 'changed' }])
    expect(existsSync(object())).toBe(false)
  })

  test('is none if another file came to its path in the last moment', () => {
    const other = join(folder, 'other')
    writeFileSync(other, 'of the same size')
    const replace = () => {
      if (existsSync(other)) renameSync(other, source())
    }
    expect(linked(looksThat(replace)).faults).toMatchObject([{ what: 'changed' }])
    expect(existsSync(object())).toBe(false)
    expect(readFileSync(source(), 'utf8')).toBe('of the same size')
    expect(statSync(source()).mode & 0o200).toBe(0o200)
  })

  test('is no link itself: those have to be copied', () => {
    const real = join(folder, 'real')
    renameSync(source(), real)
    symlinkSync(real, source())
    expect(linked(lookOf(source())).faults).toMatchObject([{ what: 'failed' }])
    expect(existsSync(object())).toBe(false)
  })
})
