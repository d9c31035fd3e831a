import { chmodSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../support/command.ts'
import { sandbox, type Sandbox } from './support.ts'

const boxes: Sandbox[] = []
const OBJECTS = '.dvc/cache/files'
const WRITTEN = new Date('2020-02-02')

afterAll(() => boxes.forEach((box) => box.remove()))

async function orrery(box: Sandbox, ...args: string[]): Promise<string> {
  const { code, out, err } = await runCommand(box.root, args)
  expect([code, err]).toEqual([0, ''])
  return out
}

/** A project with data that was written long ago, of which only the cache has what its links led to. */
async function linkedBy(link: string): Promise<Sandbox> {
  const box = sandbox()
  boxes.push(box)
  box.dvc('init', '-q')
  box.dvc('config', 'cache.type', link)
  for (const name of ['a', 'b', 'c']) {
    box.write(`data/${name}`, `what ${name} holds`)
    utimesSync(join(box.root, 'data', name), WRITTEN, WRITTEN)
  }
  await orrery(box, 'add', 'data')
  rmSync(join(box.root, 'data'), { recursive: true })
  if (link === 'hardlink') return box
  // Copies are objects of their own, and so young that they might still be written to without looking otherwise.
  for (const path of Object.keys(box.tree(OBJECTS)))
    utimesSync(join(box.root, OBJECTS, path), WRITTEN, WRITTEN)
  await orrery(box, 'checkout')
  rmSync(join(box.root, 'data'), { recursive: true })
  return box
}

function objectOf(box: Sandbox, text: string): string {
  const [path] = Object.entries(box.tree(OBJECTS)).find(([, held]) => held === text) ?? []
  if (path === undefined) throw new Error(`no object holds ${text}`)
  return join(box.root, OBJECTS, path)
}

/** Other bytes of the same length, that nobody wrote as far as the file system knows. */
function rot(object: string): void {
  chmodSync(object, 0o644)
  writeFileSync(object, 'what x holds')
  utimesSync(object, WRITTEN, WRITTEN)
  chmodSync(object, 0o444)
}

describe.each(['hardlink', 'symlink'])('a checkout by %s', (link) => {
  test('reads no object again that looks as it did when it was checked, as dvc reads none', async () => {
    const box = await linkedBy(link)
    const object = objectOf(box, 'what b holds')
    rot(object)
    expect(await orrery(box, 'checkout')).toContain('data')
    expect([box.read('data/a'), box.read('data/b')]).toEqual(['what a holds', 'what x holds'])
    rmSync(join(box.root, 'data'), { recursive: true })
    box.dvc('checkout', '-q')
    expect(box.read('data/b')).toBe('what x holds')
    const { out } = await runCommand(box.root, ['fsck'])
    expect(out).toContain('damaged')
  })

  test('finds an object that somebody has written to', async () => {
    const box = await linkedBy(link)
    await orrery(box, 'checkout')
    chmodSync(join(box.root, 'data/b'), 0o644)
    box.write('data/b', 'what y holds')
    chmodSync(join(box.root, 'data/b'), 0o444)
    rmSync(join(box.root, 'data'), { recursive: true })
    const { code, err } = await runCommand(box.root, ['checkout'])
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/data\/b: the cache's object .* is damaged/),
    ])
  })
})
