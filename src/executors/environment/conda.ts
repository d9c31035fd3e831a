import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Problem } from '#base/problem'
import type { Recipe } from './recipe.ts'
import type { CondaLock } from './spec.ts'
import { succeeds, type Variables, type Workshop } from './workshop.ts'

/** What conda has locked, installed by whichever of its programs there is. */
export function condaRecipe(source: CondaLock): Recipe {
  return {
    identity: { conda: source.packages, pip: source.pip },
    file: source.file,
    build: async (place, shop) => {
      const conda = await condaProgram(shop.environment, source.file)
      shop.say(`building the conda environment with ${conda} in ${place}`)
      const list = `${place}.explicit.txt`
      writeFileSync(list, `@EXPLICIT\n${source.packages.map((each) => `${each}\n`).join('')}`)
      await shop.work([conda, ...createArguments(place, list, shop)])
      if (source.pip.length > 0) await installPip(source.pip, place, shop)
    },
    isWhole: (place) => existsSync(join(place, 'conda-meta')),
    contents: (place) => packagesIn(place).join('\n'),
    variables: (place, around) => ({
      PATH: [join(place, 'bin'), around['PATH'] ?? ''].join(delimiter),
      CONDA_PREFIX: place,
    }),
    resolved: async (place) => `${[...packagesIn(place), ...source.pip].join('\n')}\n`,
  }
}

export function createArguments(place: string, list: string, shop: Pick<Workshop, 'offline'>) {
  return [
    'create',
    '--yes',
    '--quiet',
    '--prefix',
    place,
    '--file',
    list,
    ...(shop.offline ? ['--offline'] : []),
  ]
}

async function condaProgram(environment: Variables, file: string): Promise<string> {
  const told = [environment['MAMBA_EXE'], environment['CONDA_EXE']].filter(
    (each): each is string => each !== undefined && each !== '',
  )
  for (const program of ['micromamba', 'mamba', 'conda', ...told])
    if (await succeeds(environment, [program, '--version'])) return program
  throw new Problem(
    'unavailable',
    `${file} is a lock of conda, and neither micromamba, mamba nor conda is on PATH; install one of them (micromamba is one file), or name requirements or a uv_lock instead`,
  )
}

async function installPip(pip: readonly string[], place: string, shop: Workshop): Promise<void> {
  const file = `${place}.pip.txt`
  writeFileSync(file, pip.map((line) => `${line}\n`).join(''))
  const python = join(place, 'bin', 'python')
  const offline = shop.offline ? ['--no-index'] : []
  await shop.work([
    python,
    '-m',
    'pip',
    'install',
    '--quiet',
    '--no-deps',
    '--disable-pip-version-check',
    ...offline,
    '-r',
    file,
  ])
}

/** Name, version and build of each package, as conda notes them. */
function packagesIn(place: string): string[] {
  return readdirSync(join(place, 'conda-meta'))
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .toSorted()
}
