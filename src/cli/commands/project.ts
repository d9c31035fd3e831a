import { resolve } from 'node:path'
import type { Argv } from 'yargs'
import { Problem } from '#base/problem'
import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'

interface ShownProject {
  name: string
  origin: string
  branch: string
  commit: string
  data: { path: string; md5: string; files: number; sizeBytes: number }[]
}

/** Flags of every command that talks to a server. */
export function remoteFlags(argv: Argv) {
  return argv
    .option('url', { type: 'string', describe: 'Address of the server' })
    .option('home', { type: 'string', describe: 'Home of a server on this machine' })
}

export const project = command({
  command: 'project <action> [subject]',
  describe: 'Add, sync, show or list projects (Git repositories with orrery.yaml)',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: ['add', 'sync', 'show', 'list'] as const,
        demandOption: true,
      })
      .positional('subject', {
        type: 'string',
        describe: 'Path or URL for add; name for sync and show',
      })
      .option('branch', {
        type: 'string',
        describe: 'Branch to follow (default: that of the origin)',
      }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const shown = await act(api, flags)
    if (flags.json === true) process.stdout.write(`${JSON.stringify(shown)}\n`)
    else
      for (const each of Array.isArray(shown) ? shown : [shown])
        process.stdout.write(`${lineOf(each)}\n`)
  },
})

async function act(
  api: ReturnType<typeof apiClient>,
  {
    action,
    subject,
    branch,
  }: { action: string; subject?: string | undefined; branch?: string | undefined },
): Promise<ShownProject | ShownProject[]> {
  if (action === 'list') return (await api.get<{ projects: ShownProject[] }>('/projects')).projects
  if (action === 'add') {
    const where = subject ?? '.'
    const origin = /^[a-z]+:\/\/|^[\w.-]+@[\w.-]+:/.test(where) ? where : resolve(where)
    return api.post('/projects', branch === undefined ? { origin } : { origin, branch })
  }
  if (subject === undefined)
    throw new Problem(
      'invalid',
      `name the project: orrery project ${action} NAME; "orrery project list" lists them`,
    )
  const name = encodeURIComponent(subject)
  return action === 'sync' ? api.post(`/projects/${name}/sync`, {}) : api.get(`/projects/${name}`)
}

function lineOf(shown: ShownProject): string {
  const data = shown.data.map((each) => `${each.path}@${each.md5.slice(0, 8)}`).join(', ')
  return `${shown.name}  ${shown.branch} ${shown.commit.slice(0, 12)}  ${data === '' ? 'no tracked data' : data}`
}
