import { withLock } from './lock.mjs'
import { run, SetupProblem, step } from './step.mjs'

/** Installs packages of the system where that is allowed and known how; otherwise says what a person should install. */
export async function installSystemPackages(packages, { why }) {
  const isRoot = process.getuid?.() === 0
  if (!isRoot || process.platform !== 'linux')
    throw new SetupProblem(why, {
      remedy: `install it, on Debian and Ubuntu: sudo apt-get install -y ${packages.join(' ')}`,
    })
  // apt-get gives up where another one holds its lists.
  await withLock('system', () => step(`${packages.join(' ')} by apt-get`, () => install(packages)))
}

async function install(packages) {
  const remedy = `install ${packages.join(' ')} with your system's package manager`
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const wait = ['-o', 'DPkg::Lock::Timeout=300']
  await run('apt-get', [...wait, 'update'], { env, remedy })
  await run('apt-get', [...wait, 'install', '-y', '--no-install-recommends', ...packages], {
    env,
    remedy,
  })
}
