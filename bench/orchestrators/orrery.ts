import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, serverCommand } from '../../tests/support/process.ts'
import { runToEnd } from '../peers.ts'
import {
  ask,
  freshFolder,
  orEnd,
  PIPELINES,
  startServer,
  until,
  untilSucceeded,
  type Contender,
  type Pipeline,
} from './contenders.ts'

const ORRERY = join(import.meta.dirname, '..', '..', 'bin', 'orrery')

const IDENTITY = ['-c', 'user.name=Bench', '-c', 'user.email=bench@localhost']

/**
 * Ways over one server: a request over HTTP, the same for stages that nobody keeps to what they declare, as the peers
 * do it, and the command that waits for the end.
 */
export async function startOrrery(home: string): Promise<Contender[]> {
  await freshFolder(home)
  const port = await freePort()
  const kept = join(home, 'kept')
  const url = `http://127.0.0.1:${port}`
  const environment = { ORRERY_HOME: kept, ORRERY_URL: url }
  const family = startServer(...serverCommand(kept, port), { folder: home, environment })
  const families = [family]
  await orEnd(
    families,
    until('Orrery', families, async () => ask(`${url}/api/v1/projects`)),
  )
  for (const isWatched of [true, false])
    for (const pipeline of PIPELINES) {
      const origin = await project(home, pipeline, { isWatched })
      await ask(`${url}/api/v1/projects`, { origin })
    }
  const outputs = (name: string) => join(kept, 'data', name, 'files')
  const unwatched = (pipeline: Pipeline) => `${pipeline}-unwatched`
  const overHttp = async (name: string) => {
    const requests = `${url}/api/v1/run-requests`
    const { id } = await ask<{ id: string }>(requests, { project: name, force: true })
    const look = async () => (await ask<{ state: string }>(`${requests}/${id}`)).state
    await untilSucceeded(families, { good: 'succeeded', bad: ['failed', 'cancelled'] }, look)
  }
  const byCommand = async (name: Pipeline) =>
    void (await runToEnd(ORRERY, ['run', name, '--force'], { folder: home, environment }))
  return [
    { name: 'POST /run-requests', kind: 'server', families, outputs, run: overHttp },
    {
      name: 'POST /run-requests, unwatched',
      kind: 'server',
      families,
      outputs: (pipeline) => outputs(unwatched(pipeline)),
      run: (pipeline) => overHttp(unwatched(pipeline)),
    },
    { name: 'orrery run', kind: 'server', families, outputs, run: byCommand },
  ]
}

export async function orreryRepro(home: string): Promise<Contender[]> {
  const folders = { row: await project(home, 'row'), side: await project(home, 'side') }
  const environment = { ORRERY_HOME: join(home, 'kept') }
  return [
    {
      name: 'orrery repro',
      kind: 'command',
      families: [],
      outputs: (pipeline) => join(folders[pipeline], 'out'),
      run: async (pipeline) => {
        const folder = folders[pipeline]
        await runToEnd(ORRERY, ['repro', '--force'], { folder, environment })
      },
    },
  ]
}

async function project(
  home: string,
  pipeline: Pipeline,
  { isWatched = true } = {},
): Promise<string> {
  const name = isWatched ? pipeline : `${pipeline}-unwatched`
  const folder = await freshFolder(join(home, name))
  const meta = isWatched ? '' : '    meta: { hermetic: false }\n'
  const stages = Array.from({ length: 10 }, (_, n) => {
    const needs = pipeline === 'row' && n > 0 ? `    deps: [out/s${n - 1}]\n` : ''
    return `  s${n}:\n    cmd: mkdir -p out && date +%s%N > out/s${n}\n${needs}    outs: [out/s${n}]\n${meta}`
  })
  await writeFile(join(folder, 'dvc.yaml'), `stages:\n${stages.join('')}`)
  await writeFile(join(folder, 'orrery.yaml'), `project: ${name}\n`)
  const git = (...args: string[]) => runToEnd('git', [...IDENTITY, ...args], { folder })
  await git('init', '--quiet')
  await runToEnd(ORRERY, ['init', '--quiet'], { folder })
  await git('add', '.')
  await git('commit', '--quiet', '--message', 'Pipeline')
  return folder
}
