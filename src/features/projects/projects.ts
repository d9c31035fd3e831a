import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Actor, Fact, Transact } from '#ledger'
import { addressOf, changedData, commitRef, datasetVersionRef, type Project } from './project.ts'
import type { Clones, ProjectReads, ProjectWrites } from './store.ts'

export interface Projects {
  list(): Promise<Project[]>
  /** Throws `not-found`. */
  get(name: string): Promise<Project>
  /** Takes a repository in, or takes in its newest commit; seeing the same commit again changes nothing. */
  add(actor: Actor, source: { origin: string; branch?: string }): Promise<Project>
  /** Looks for a new commit of a known project. */
  sync(actor: Actor, name: string): Promise<Project>
}

export function createProjects(dependencies: {
  read: ProjectReads
  transact: Transact<{ projects: ProjectWrites }>
  clones: Clones
  clock: Clock
}): Projects {
  const { read, transact, clones, clock } = dependencies

  const get = async (name: string) => {
    const project = await read.find(name)
    if (project === undefined)
      throw new Problem(
        'not-found',
        `there is no project ${name}; add it with "orrery project add PATH"`,
      )
    return project
  }

  const take = async (actor: Actor, source: { origin: string; branch?: string }) => {
    const snapshot = await clones.fetch(source)
    const project: Project = {
      ...snapshot,
      name: snapshot.config.project,
      origin: source.origin,
      syncedMs: clock.nowMs(),
    }
    return transact(async ({ projects, ledger }) => {
      const previous = await projects.find(project.name)
      if (previous !== undefined && addressOf(previous) !== addressOf(project))
        throw new Problem(
          'exists',
          `the project ${project.name} is fetched from ${addressOf(previous)}; give the one in ${addressOf(project)} another name in its orrery.yaml`,
        )
      // The same place with other credentials: the new ones are those that work.
      const isKnown = previous?.origin === project.origin && previous.commit === project.commit
      if (isKnown) return previous
      await projects.save(project)
      await ledger.append(actor, factsOf(previous, project))
      return project
    })
  }

  return {
    list: () => read.list(),
    get,
    add: take,
    sync: async (actor, name) => {
      const { origin, branch } = await get(name)
      return take(actor, { origin, branch })
    },
  }
}

function factsOf(previous: Project | undefined, project: Project): Fact[] {
  return [
    {
      type: previous === undefined ? 'project-added' : 'project-synced',
      data: {
        project: project.name,
        commit: project.commit,
        branch: project.branch,
        endpoints: Object.keys(project.config.endpoints),
        policies: Object.keys(project.config.policies),
      },
    },
    ...changedData(previous, project).map((data) => ({
      type: 'dataset-version-added',
      // What a project comes with is not news of it.
      data: { project: project.name, ...data, ...(previous === undefined ? { first: true } : {}) },
      edges: [
        {
          from: datasetVersionRef({ project: project.name, ...data }),
          relation: 'versioned-in',
          to: commitRef(project.commit),
        },
      ],
    })),
  ]
}
