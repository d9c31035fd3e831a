import { Problem } from '#base/problem'
import { byRevision, type References } from './references.ts'
import type { Revisions, RevisionSelection } from '../history/revisions.ts'
import type { UpkeepDependencies } from './dependencies.ts'

/** Whose needs count, besides the workspace's. */
export interface Asked {
  readonly revisions?: RevisionSelection
  /** Roots of other projects that use the same cache; the same is asked of each. */
  readonly projects?: readonly string[]
  /** Passes over revisions that cannot be read. */
  readonly skipFailed?: boolean
}

export interface Skipped {
  readonly revision: string
  readonly reason: string
}

interface Asking {
  readonly request: Asked
  readonly references: References
  readonly skipped: Skipped[]
}

/** Adds everything that the workspace needs, and what the asked revisions and projects do. */
export async function addNeeded(dependencies: UpkeepDependencies, asking: Asking): Promise<void> {
  const { references, request } = asking
  for (const out of await dependencies.allOuts())
    if (out.cached) await references.addOut(out, { kind: 'workspace' })
  await addRevisions(dependencies.revisions, asking)
  for (const root of request.projects ?? []) {
    const project = await dependencies.projectAt(root)
    for (const out of await project.allOuts())
      if (out.cached) await references.addOut(out, { kind: 'project', root })
    await addRevisions(project.revisions, asking)
  }
}

async function addRevisions(
  revisions: Revisions | undefined,
  { request, references, skipped }: Asking,
): Promise<void> {
  if (request.revisions === undefined) return
  if (revisions === undefined)
    throw new Problem('invalid', 'this project has no Git history; ask for --workspace only')
  for (const revision of await revisions.all(request.revisions)) {
    try {
      for (const out of await revisions.outsAt(revision.commit))
        if (out.cached) await references.addOut(out, byRevision(revision))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const name = revision.names[0] ?? revision.commit.slice(0, 7)
      if (request.skipFailed !== true)
        throw new Problem(
          error.code,
          `what ${name} needs cannot be told: ${error.message}; nothing was removed (--skip-failed goes on without it, and what only it needs goes)`,
        )
      skipped.push({ revision: name, reason: error.message })
    }
  }
}
