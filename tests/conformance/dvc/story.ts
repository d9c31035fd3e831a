import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import yargs, { type CommandModule } from 'yargs'
import { dvcEnvironment, pythonBin } from './support.ts'

/** The commands themselves, which the program would load in a process of its own. */
const COMMANDS = new URL('../../../src/cli/commands/index.ts', import.meta.url).href

/** One thing that happens in a repository. Paths are relative to its root. */
export type Step =
  | { readonly do: 'write'; readonly path: string; readonly text: string; readonly mode?: number }
  | { readonly do: 'remove'; readonly path: string }
  | { readonly do: 'link'; readonly path: string; readonly to: string }
  | { readonly do: 'git'; readonly args: readonly string[] }
  /** The same words for dvc and for orrery. */
  | { readonly do: 'run'; readonly args: readonly string[]; readonly in?: string }

export interface Told {
  /** Whether each command succeeded, with what it printed. */
  readonly commands: { ok: boolean; code: number; output: string }[]
  /** After each command: every file with its mode, its link's target or its bytes. */
  readonly files: Record<string, string>[]
}

export function write(path: string, text: string, mode?: number): Step {
  return mode === undefined ? { do: 'write', path, text } : { do: 'write', path, text, mode }
}

export function run(...args: string[]): Step {
  return { do: 'run', args }
}

/** Tells the story to real dvc: all of it in one process, since starting one takes half a second. */
export function toldToDvc(root: string, steps: readonly Step[]): Told {
  const output = execFileSync(join(pythonBin(), 'python'), ['-c', STORY], {
    input: JSON.stringify({ root, steps }),
    cwd: root,
    maxBuffer: 1 << 28,
    env: dvcEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  return JSON.parse(output.toString()) as Told
}

/** Tells the story to orrery's own command line, in this process. */
export async function toldToOrrery(root: string, steps: readonly Step[]): Promise<Told> {
  const told: Told = { commands: [], files: [] }
  const variables = dvcEnvironment()
  for (const name of Object.keys(variables))
    if (name.startsWith('DVC_')) process.env[name] = variables[name]
  for (const step of steps) {
    if (step.do !== 'run') happen(root, step)
    else {
      told.commands.push(await orrery(join(root, step.in ?? '.'), step.args))
      told.files.push(filesOf(root))
    }
  }
  return told
}

function happen(root: string, step: Exclude<Step, { do: 'run' }>): void {
  if (step.do === 'git') {
    execFileSync('git', [...step.args], { cwd: root, stdio: 'pipe' })
    return
  }
  const path = join(root, step.path)
  if (step.do === 'remove') return rmSync(path, { recursive: true, force: true })
  mkdirSync(dirname(path), { recursive: true })
  if (step.do === 'link') return symlinkSync(step.to, path)
  rmSync(path, { force: true })
  writeFileSync(path, step.text)
  chmodSync(path, step.mode ?? 0o644)
}

/** Runs a command as the program does, and gives what it prints and its exit code. */
export async function orrery(
  cwd: string,
  args: readonly string[],
): Promise<{ ok: boolean; code: number; output: string }> {
  const before = { cwd: process.cwd(), out: process.stdout.write, err: process.stderr.write }
  let output = ''
  const take = (text: string | Uint8Array) => {
    output += typeof text === 'string' ? text : Buffer.from(text).toString()
    return true
  }
  process.chdir(cwd)
  process.exitCode = 0
  process.stdout.write = take
  process.stderr.write = take
  try {
    const parser = yargs([...args])
      .option('json', { type: 'boolean', default: false, global: true })
      .exitProcess(false)
      .strict()
      .fail((message, error) => {
        throw error ?? new Error(message)
      })
    const { commandsFor } = (await import(COMMANDS)) as {
      commandsFor: (word: string | undefined) => Promise<CommandModule[]>
    }
    for (const each of await commandsFor(args[0])) parser.command(each)
    await parser.parseAsync()
  } catch (error) {
    output += String(error)
    process.exitCode = 2
  } finally {
    process.stdout.write = before.out
    process.stderr.write = before.err
    process.chdir(before.cwd)
  }
  const code = process.exitCode
  process.exitCode = 0
  return { ok: code === 0, code, output }
}

/** Every file of a repository but those of Git and of no lasting meaning. */
export function filesOf(root: string): Record<string, string> {
  const found: Record<string, string> = {}
  const visit = (folder: string) => {
    for (const name of readdirSync(join(root, folder)).toSorted()) {
      const path = folder === '' ? name : `${folder}/${name}`
      if (path === '.git' || /(?:^|\/)\.dvc\/tmp$/.test(path)) continue
      const stats = lstatSync(join(root, path))
      if (stats.isDirectory()) visit(path)
      else if (stats.isSymbolicLink())
        found[path] = `-> ${readlinkSync(join(root, path)).replaceAll(root, 'ROOT')}`
      else
        found[path] =
          `${(stats.mode & 0o777).toString(8)} ${readFileSync(join(root, path), 'latin1')}`
    }
  }
  visit('')
  found['(git)'] = execFileSync('git', ['ls-files', '-s'], { cwd: root }).toString()
  return Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

const STORY = `
import sys, json, os, io, shutil, stat, subprocess, logging
from contextlib import redirect_stdout, redirect_stderr
from dvc.cli import main
told = json.load(sys.stdin)
answer = os.fdopen(os.dup(1), 'w')
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
root = told['root']
commands, files = [], []

def listing():
    found = {}
    for folder, folders, names in os.walk(root):
        for name in names + [f for f in folders if os.path.islink(os.path.join(folder, f))]:
            whole = os.path.join(folder, name)
            path = os.path.relpath(whole, root)
            if path.split(os.sep)[0] == '.git' or '.dvc/tmp/' in path: continue
            if os.path.islink(whole): found[path] = '-> ' + os.readlink(whole).replace(root, 'ROOT')
            else:
                with open(whole, 'rb') as f: text = f.read().decode('latin1')
                found[path] = '%o %s' % (os.lstat(whole).st_mode & 0o777, text)
    found['(git)'] = subprocess.run(['git', 'ls-files', '-s'], cwd=root, capture_output=True, text=True).stdout
    return found

for step in told['steps']:
    kind = step['do']
    if kind == 'git':
        subprocess.run(['git', *step['args']], cwd=root, check=True, capture_output=True)
        continue
    if kind == 'run':
        os.chdir(os.path.join(root, step.get('in', '.')))
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            code = main(step['args'])
        for name in ('dvc', 'dvc_objects', 'dvc_data'): logging.getLogger(name).handlers.clear()
        commands.append({'ok': code == 0, 'code': code, 'output': out.getvalue()})
        files.append(listing())
        continue
    path = os.path.join(root, step['path'])
    if kind == 'remove':
        if os.path.isdir(path) and not os.path.islink(path): shutil.rmtree(path)
        elif os.path.lexists(path): os.unlink(path)
        continue
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if kind == 'link':
        os.symlink(step['to'], path)
        continue
    if os.path.lexists(path): os.unlink(path)
    with open(path, 'w', newline='', encoding='utf-8') as f: f.write(step['text'])
    os.chmod(path, step.get('mode', 0o644))
json.dump({'commands': commands, 'files': files}, answer)
answer.flush()
`
