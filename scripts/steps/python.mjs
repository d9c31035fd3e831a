import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { withLock } from './lock.mjs'
import { cache, root } from './places.mjs'
import { run, SetupProblem, step } from './step.mjs'
import { installSystemPackages } from './system.mjs'

/** The folder of `python`, `mlflow` and `dvc` for tests: made once for each content of tests/requirements.txt. */
export function testPythonBin() {
  return environmentBin('requirements.txt', 'test-python')
}

/** The same for the tests that need a client of MLflow 2. */
export function testMlflow2Bin() {
  return environmentBin('requirements-mlflow2.txt', 'test-mlflow2')
}

/** The same for the libraries that monitoring's numbers are held against. */
export function testMonitorsBin() {
  return environmentBin('requirements-monitors.txt', 'test-monitors')
}

async function environmentBin(file, name) {
  const requirements = join(root, 'tests', file)
  const shelf = join(cache, name)
  const home = join(shelf, digestOf(requirements))
  if (existsSync(home)) return join(home, 'bin')
  await withLock(name, async () => {
    if (existsSync(home)) return
    const python = await findPython()
    await step(`Python packages of tests/${file}`, () => build({ python, requirements, home }))
    await forgetOthers(home)
  })
  return join(home, 'bin')
}

// Scripts in an environment carry its path, so it is built under its final path; the name becomes visible,
// as a link, only when all is there.
async function build({ python, requirements, home }) {
  const built = `${home}.env`
  const remedy = `see that pip reaches its index (\`${python} -m pip download -r ${requirements} --no-deps\`), then run the same command again`
  await rm(built, { recursive: true, force: true })
  await mkdir(dirname(home), { recursive: true })
  await run(python, ['-m', 'venv', built], { remedy: 'install the venv module of your Python' })
  const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--no-compile']
  await run(join(built, 'bin', 'python'), ['-m', 'pip', 'install', ...flags, '-r', requirements], {
    remedy,
  })
  await symlink(basename(built), home)
}

async function forgetOthers(home) {
  const shelf = dirname(home)
  for (const name of await readdir(shelf)) {
    const path = join(shelf, name)
    if (path !== home && path !== `${home}.env`) await rm(path, { recursive: true, force: true })
  }
}

const CANDIDATES = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']

async function findPython() {
  const found = CANDIDATES.find(canMakeEnvironments)
  if (found !== undefined) return found
  await installSystemPackages(['python3', 'python3-venv'], {
    why: 'the tests need Python 3.10 or newer with its venv module, and none was found',
  })
  const installed = CANDIDATES.find(canMakeEnvironments)
  if (installed !== undefined) return installed
  throw new SetupProblem('the Python of this system is older than 3.10 or lacks venv', {
    remedy: 'install Python 3.11 or newer with venv and put it on PATH as python3',
  })
}

function canMakeEnvironments(python) {
  const probe = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'
  return spawnSync(python, ['-c', probe], { stdio: 'ignore' }).status === 0
}

function digestOf(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16)
}
