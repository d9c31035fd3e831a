import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { condaLockIn } from './conda-lock.ts'
import { environmentBuilder, specIn } from './index.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-conda-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function lockOf(text: string) {
  const file = join(folder, 'conda.lock')
  writeFileSync(file, text)
  return condaLockIn(file)
}

const CHANNEL = 'https://conda.anaconda.org/conda-forge'
const HERE = process.arch === 'x64' ? 'linux-64' : 'linux-aarch64'

test('an explicit list is taken as it is, with its hashes and its packages of pip', () => {
  const python = `${CHANNEL}/${HERE}/python-3.11.7-h1.conda#0123456789abcdef0123456789abcdef`
  const pip = 'six @ https://files.example.org/six-1.16.0-py2.py3-none-any.whl --hash=sha256:aa'
  expect(lockOf(`# platform: ${HERE}\n@EXPLICIT\n${python}\n# pip ${pip}\n`)).toMatchObject({
    packages: [python],
    pip: [pip],
  })
})

test("of conda-lock's file those of this platform are taken, of its main category", () => {
  const entry = (name: string, more: string) =>
    `- {name: ${name}, version: '1', url: '${CHANNEL}/${name}-1.conda', ${more}}\n`
  const { packages, pip } = lockOf(
    `version: 1\nmetadata: {}\npackage:\n${[
      entry('a', `manager: conda, platform: ${HERE}, hash: {md5: aa, sha256: bb}`),
      entry('b', `manager: conda, platform: win-64, hash: {md5: cc}`),
      entry('c', `manager: conda, platform: ${HERE}, hash: {md5: dd}, category: dev`),
      entry('d', `manager: conda, platform: ${HERE}, hash: {sha256: ee}, category: main`),
      entry('e', `manager: pip, platform: ${HERE}, hash: {sha256: ff}`),
    ].join('')}`,
  )
  expect(packages).toEqual([`${CHANNEL}/a-1.conda#aa`, `${CHANNEL}/d-1.conda#sha256:ee`])
  expect(pip).toEqual([`e @ ${CHANNEL}/e-1.conda --hash=sha256:ff`])
})

test.each([
  ['@EXPLICIT\n--evil\n', /no address of a package/],
  ['# platform: win-64\n@EXPLICIT\n', /locked for win-64/],
  ['name: x\ndependencies: [python]\n', /no lock of conda.*conda-lock/],
  ['package: [{name: a, platform: win-64}]', /no packages for .*only for win-64/],
  ['a: [', /cannot be read/],
])('%j is refused with what to do', (text, why) => {
  expect(() => lockOf(text)).toThrow(why)
})

test('where there is no program of conda, that is said', async () => {
  writeFileSync(join(folder, 'conda.lock'), '@EXPLICIT\n')
  const builder = environmentBuilder({
    spec: specIn(folder, { conda_lock: 'conda.lock' }),
    folder: join(folder, 'built'),
    environment: { PATH: folder },
    lockAt: () => ({ acquire: async () => () => {} }),
    nowMs: () => 0,
  })
  await expect(builder.prepare(() => {})).rejects.toThrow(/neither micromamba, mamba nor conda/)
})
