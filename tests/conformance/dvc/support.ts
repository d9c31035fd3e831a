import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openWorkspace, type ProjectWorkspace } from '#app/project/workspace'
import { isList, isMap, isTimestamp, type ParamValue } from '#stages'
import { dvcCall } from './dvc-process.ts'

/** The folder of a Python with dvc in it; the script that runs all tests prepares it and sets the variable. */
export function pythonBin(): string {
  const bin = process.env['ORRERY_TEST_PYTHON_BIN']
  if (bin === undefined || bin === '')
    throw new Error(
      'ORRERY_TEST_PYTHON_BIN is not set: it names the bin folder of a Python environment with dvc 3.67.1; `npm test` prepares one',
    )
  return bin
}

/** Runs Python with `input` as JSON on its standard input and gives the JSON it prints. */
export function python(script: string, input: unknown): unknown {
  const output = execFileSync(join(pythonBin(), 'python'), ['-c', script], {
    input: JSON.stringify(input),
    maxBuffer: 1 << 28,
    env: dvcEnvironment(),
  })
  return JSON.parse(output.toString())
}

export interface Sandbox {
  readonly root: string
  /** Runs real dvc in the project; throws with its output when it fails. */
  dvc(...args: string[]): string
  git(...args: string[]): string
  write(path: string, content: string | Buffer): void
  read(path: string): string
  /** Every file below a folder with its content, for comparing two trees. */
  tree(folder: string): Record<string, string>
  remove(): void
}

/** A new git repository in a temporary folder. */
export function sandbox(): Sandbox {
  const top = mkdtempSync(join(tmpdir(), 'orrery-dvc-'))
  const root = join(top, 'project')
  mkdirSync(root)
  const box: Sandbox = {
    root,
    dvc: (...args) => {
      const { code, output, errors } = dvcCall(pythonBin(), {
        cwd: root,
        args,
        env: dvcEnvironment(),
      })
      if (code !== 0) throw new Error(`dvc ${args.join(' ')} failed (${code}):\n${output}${errors}`)
      return output
    },
    git: (...args) => execFileSync('git', args, { cwd: root, stdio: 'pipe' }).toString(),
    write: (path, content) => {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
    },
    read: (path) => readFileSync(join(root, path), 'utf8'),
    tree: (folder) => treeOf(join(root, folder), ''),
    remove: () => rmSync(top, { recursive: true, force: true }),
  }
  box.git('init', '-q', '-b', 'main')
  box.git('config', 'user.email', 'tests@example.org')
  box.git('config', 'user.name', 'Tests')
  return box
}

/** dvc without analytics or settings of the machine, with the state of this test run only. */
export function dvcEnvironment(): NodeJS.ProcessEnv {
  const home = join(tmpdir(), 'orrery-dvc-home')
  mkdirSync(home, { recursive: true })
  return {
    ...process.env,
    PATH: `${pythonBin()}:${process.env['PATH'] ?? ''}`,
    DVC_NO_ANALYTICS: '1',
    DVC_GLOBAL_CONFIG_DIR: home,
    DVC_SYSTEM_CONFIG_DIR: home,
    DVC_SITE_CACHE_DIR: join(home, 'site'),
    SHELL: '/bin/sh',
  }
}

export function treeOf(folder: string, prefix: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of readdirSync(folder).toSorted()) {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) Object.assign(found, treeOf(path, `${prefix}${name}/`))
    else found[`${prefix}${name}`] = readFileSync(path, 'latin1')
  }
  return found
}

/** A value in JSON that Python can rebuild with its types: `revive` in the scripts. */
export function tagged(value: ParamValue): unknown {
  if (typeof value === 'bigint') return { int: String(value) }
  if (typeof value === 'number')
    return { float: Object.is(value, -0) ? '-0.0' : String(value).replace('Infinity', 'inf') }
  if (isList(value)) return { list: value.map(tagged) }
  if (isMap(value)) return { map: [...value].map(([key, each]) => [tagged(key), tagged(each)]) }
  if (isTimestamp(value)) throw new Error('dates are not written')
  return value
}

export const REVIVE = `
import sys, json
def revive(v):
    if isinstance(v, dict):
        if 'int' in v: return int(v['int'])
        if 'float' in v: return float(v['float'])
        if 'list' in v: return [revive(e) for e in v['list']]
        return {revive(k): revive(e) for k, e in v['map']}
    return v
values = [revive(v) for v in json.load(sys.stdin)]
`

/** The project as orrery opens it. */
export function ours(box: Sandbox): ProjectWorkspace {
  return openWorkspace(box.root, {
    variables: dvcEnvironment(),
    environments: join(box.root, '..', 'environments'),
  })
}
