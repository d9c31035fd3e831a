import { messageOf, Problem } from '#base/problem'
import { checkedOrder, type RunOrder } from '#pipelines'
import type { Projects } from '#projects'
import type {
  ShownPipelineCheck,
  ShownPipelineGraph,
  ShownPipelineNode,
} from '#protocols/api/pipelines-wire'
import type { PipelineLooks } from '#protocols/api/pipelines'
import { applied } from '#protocols/dvc/params-edit'
import { overridesOf, pipelineMap, type LoadedPipelines } from '#stages'
import type { LocalClones } from '../data/clones.ts'
import { openRevisions, type ProjectRevisions } from '../project/revisions.ts'

/** As dvc writes options in commands unless it is told otherwise. */
const STYLE = { bool: 'store_true', list: 'nargs' } as const

const COMMAND_CHARS_MAX = 2000

interface Around {
  readonly projects: Pick<Projects, 'get'>
  readonly clones: LocalClones
}

/** Reads pipelines out of the server's mirrors. */
export function pipelineLooks(around: Around): PipelineLooks {
  const { projects, clones } = around
  return {
    at: async ({ project, commit, targets }) => {
      const { origin } = await projects.get(project)
      return withRevisions(clones.mirrorOf(origin), async (revisions) =>
        graphIn((await revisions.load(commit)) ?? NOTHING, targets),
      )
    },
    check: async (order) => {
      try {
        return await checked(around, checkedOrder(order))
      } catch (error) {
        if (error instanceof Problem) return refusedBecause([error.message])
        throw error
      }
    },
  }
}

const NOTHING: LoadedPipelines = { stages: [], locks: new Map(), tracked: [], problems: [] }

async function withRevisions<T>(
  mirror: string,
  work: (revisions: ProjectRevisions) => Promise<T>,
): Promise<T> {
  const revisions = openRevisions(mirror, { commandStyle: STYLE, prefix: '' })
  try {
    return await work(revisions)
  } finally {
    revisions.close()
  }
}

function refusedBecause(refused: readonly string[]): ShownPipelineCheck {
  return { commit: null, stages: [], chosen: [], refused }
}

async function checked(
  { projects, clones }: Around,
  { project: name, rev, targets = [], overrides = [] }: RunOrder,
): Promise<ShownPipelineCheck> {
  const project = await projects.get(name)
  const { commit } = await clones.at(project.origin, rev ?? project.branch)
  return withRevisions(clones.mirrorOf(project.origin), async (revisions) => {
    const loaded = (await revisions.load(commit)) ?? NOTHING
    const refused = [
      ...(loaded.stages.length === 0 && loaded.problems.length === 0
        ? [`the project ${name} has no stages at ${commit.slice(0, 12)}; describe them in dvc.yaml`]
        : []),
      ...loaded.problems.map(({ file, message }) => `${file}: ${message}`),
      ...(await wrongOverrides(revisions, commit, overrides)),
    ]
    const told = (work: () => ShownPipelineNode[]) => {
      try {
        return work()
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        refused.push(messageOf(error))
        return []
      }
    }
    const stages = told(() => nodesOf(loaded, []))
    const chosen = stages.length === 0 ? [] : told(() => nodesOf(loaded, targets))
    return { commit, stages, chosen: chosen.map(({ stage }) => stage), refused }
  })
}

/** Why parameters could not be changed like that. */
async function wrongOverrides(
  revisions: ProjectRevisions,
  commit: string,
  texts: readonly string[],
): Promise<string[]> {
  const overrides = overridesOf(texts)
  const wrong: string[] = []
  for (const file of new Set(overrides.map((each) => each.file)))
    try {
      const bytes = await revisions.read(commit, file)
      if (bytes === undefined)
        throw new Problem(
          'not-found',
          `${file} is not there, so no parameter of it can be changed; name another one, as in other.yaml:key=value`,
        )
      const own = overrides.filter((each) => each.file === file)
      applied(own, Buffer.from(bytes).toString('utf8'), file)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      wrong.push(error.message)
    }
  return wrong
}

function graphIn(loaded: LoadedPipelines, targets: readonly string[]): ShownPipelineGraph {
  const problems = loaded.problems.map(({ file, message }) => `${file}: ${message}`)
  return { from: 'commit', stages: nodesOf(loaded, targets), problems }
}

function nodesOf(loaded: LoadedPipelines, targets: readonly string[]): ShownPipelineNode[] {
  const needs = pipelineMap(loaded, { targets, outs: false, full: false, collapsed: false })
  const stages = new Map(loaded.stages.map((stage) => [stage.address, stage]))
  return [...needs].flatMap(([name, needed]) => {
    const stage = stages.get(name)
    if (stage === undefined) return []
    const { cmd, description = null, approval, parts } = stage
    const command = typeof cmd === 'string' ? cmd : cmd.join('\n')
    return {
      stage: name,
      needs: needed.filter((each) => stages.has(each)),
      command: command.slice(0, COMMAND_CHARS_MAX),
      description,
      approval: approval !== undefined,
      parts: parts !== undefined,
    }
  })
}
