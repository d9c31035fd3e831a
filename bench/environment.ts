import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runToEnd } from './peers.ts'

const BENCH = import.meta.dirname
const SHELF = join(BENCH, '..', 'node_modules', '.cache', 'orrery', 'bench-python')

/** The programs of an environment with the packages of a file of bench/, built once for each content of that. */
export async function peersBin(file: string): Promise<string> {
  const requirements = join(BENCH, file)
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
  const home = join(SHELF, digest.slice(0, 16))
  const bin = join(home, 'bin')
  const isBuilt = join(home, 'built')
  if (existsSync(isBuilt)) return bin
  await rm(home, { recursive: true, force: true })
  await mkdir(dirname(home), { recursive: true })
  console.log(`installing bench/${file}`)
  await runToEnd('python3', ['-m', 'venv', home], { folder: BENCH })
  const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:']
  await runToEnd(join(bin, 'pip'), ['install', ...flags, '-r', requirements], { folder: BENCH })
  // Scripts carry their path, so that it is the mark that comes last and not the folder.
  await writeFile(`${isBuilt}.new`, '')
  await rename(`${isBuilt}.new`, isBuilt)
  return bin
}

/** Builds the package where its code has changed, and gives what makes `bin/orrery` run it as people who installed it do. */
export async function asInstalled(): Promise<Record<string, string>> {
  const build = join(BENCH, '..', 'scripts', 'build.mjs')
  await runToEnd(process.execPath, [build], { folder: BENCH })
  return { ORRERY_BUILT: '1' }
}
