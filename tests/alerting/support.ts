import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { platformActor, type Fact } from '#ledger'
import type { ProjectConfig } from '#projects'
import { parseProjectFile } from '#protocols/project-file/index'
import { openSqlStore, type SqlStore } from '#stores/sql/index'

/** A project as it is kept, of a file that says this. */
export function configOf(yaml: string): ProjectConfig {
  const { config, problems } = parseProjectFile(yaml)
  if (config === undefined) throw new Error(problems.join('\n'))
  return config
}

/** Opens the metadata of a home in which no server runs. */
export function openHome(home: string): Promise<SqlStore> {
  return openSqlStore(join(home, 'orrery.db'), { clock: systemClock, ids: randomIds })
}

/** Keeps a project and what has happened, as a server would have. */
export async function tellHome(
  home: string,
  { yaml, facts = [] }: { yaml?: string; facts?: readonly Fact[] },
): Promise<void> {
  const store = await openHome(home)
  try {
    await store.transact(async ({ projects, ledger }) => {
      if (yaml !== undefined) {
        const config = configOf(yaml)
        await projects.save({
          name: config.project,
          origin: '/nowhere',
          branch: 'main',
          commit: 'a'.repeat(40),
          config,
          data: [],
          syncedMs: 0,
        })
        await ledger.append(platformActor('test'), [
          { type: 'project-synced', data: { project: config.project } },
        ])
      }
      await ledger.append(platformActor('monitors'), facts)
    })
  } finally {
    await store.close()
  }
}

/** What a project of this server calls a secret. */
export async function putSecret(home: string, name: string, text: string): Promise<void> {
  await mkdir(join(home, 'secrets'), { recursive: true })
  await writeFile(join(home, 'secrets', name), text, { mode: 0o600 })
}

interface Told {
  readonly endpoint?: string
  readonly kind?: string
  readonly subject?: string
  readonly severity?: 'warning' | 'critical'
  readonly detail?: string
}

export function raised(alert: string, told: Told = {}): Fact {
  const { endpoint = 'flights', kind = 'drift', subject = '', severity = 'warning' } = told
  const { detail = `${subject} drifted` } = told
  return { type: 'alert-raised', data: { alert, endpoint, kind, subject, severity, detail } }
}

export function cleared(alert: string): Fact {
  return { type: 'alert-cleared', data: { alert, endpoint: 'flights', kind: 'drift' } }
}
