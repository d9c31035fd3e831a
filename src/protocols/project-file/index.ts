import { Value } from 'typebox/value'
import { parseDocument } from 'yaml'
import { FINDING_TYPES, monitorProblems } from '#monitoring'
import {
  alertProblems,
  dataProblems,
  environmentProblems,
  modelUriPattern,
  ProjectConfigSchema,
  scheduleFault,
  triggersOf,
  withDefaults,
  type ProjectConfig,
  type Trigger,
} from '#projects'

/**
 * Reads `orrery.yaml`. Never throws: what is wrong comes back as sentences that say where and what is expected.
 */
export function parseProjectFile(text: string): {
  config: ProjectConfig | undefined
  problems: string[]
} {
  const document = parseDocument(text, { uniqueKeys: true })
  if (document.errors.length > 0)
    return { config: undefined, problems: document.errors.map((error) => error.message) }
  const raw: unknown = document.toJS()
  if (typeof raw !== 'object' || raw === null)
    return {
      config: undefined,
      problems: ['orrery.yaml is empty; it needs at least "project: NAME"'],
    }
  const value = withDefaults(raw)
  if (!Value.Check(ProjectConfigSchema, value)) {
    const problems = [...Value.Errors(ProjectConfigSchema, value)].map(
      (error) =>
        `${error.instancePath.slice(1).replaceAll('/', '.') || 'orrery.yaml'}: ${error.message}`,
    )
    return { config: undefined, problems }
  }
  const problems = crossCheck(value)
  return { config: problems.length === 0 ? value : undefined, problems }
}

/** Names in one part that must exist in another, and numbers that must fit each other. */
function crossCheck(config: ProjectConfig): string[] {
  return [
    ...crossCheckPolicies(config),
    ...crossCheckElsewhere(config),
    ...crossCheckTraffic(config),
    ...crossCheckMonitors(config),
    ...environmentProblems(config),
    ...alertProblems(config),
  ]
}

/** What only those can have that answer here. */
const SERVED_ONLY = [
  'rollout',
  'traffic',
  'experiment',
  'override',
  'keep',
  'limits',
  'python',
] as const

function crossCheckElsewhere({ endpoints }: ProjectConfig): string[] {
  return Object.entries(endpoints).flatMap(([name, endpoint]) => {
    if (endpoint.elsewhere !== true)
      return endpoint.model === undefined
        ? [
            `endpoints.${name}.model: name the model that it serves, as models:/NAME@ALIAS, or write "elsewhere: true" if another system answers`,
          ]
        : []
    const meant = SERVED_ONLY.filter((word) => endpoint[word] !== undefined)
    if (endpoint.shadows.length > 0)
      return [...meant, 'shadows'].map((word) => unservedWord(name, word))
    return meant.map((word) => unservedWord(name, word))
  })
}

function unservedWord(name: string, word: string): string {
  return `endpoints.${name}.${word}: an endpoint that is answered elsewhere has none; take it out`
}

function crossCheckTraffic({ endpoints }: ProjectConfig): string[] {
  return Object.entries(endpoints).flatMap(([name, { rollout, traffic, experiment }]) => {
    const problems: string[] = []
    const { steps = [100] } = rollout ?? {}
    const grow = steps.every((step, at) => at === 0 || step > (steps[at - 1] ?? 0))
    if (!grow || steps.at(-1) !== 100)
      problems.push(`endpoints.${name}.rollout.steps: they must grow and end with 100`)
    const weights = Object.values(traffic ?? {})
    for (const uri of Object.keys(traffic ?? {}))
      if (!new RegExp(modelUriPattern).test(uri))
        problems.push(
          `endpoints.${name}.traffic: ${uri} names no version; write models:/name/3 or models:/name@alias`,
        )
    if (traffic !== undefined && !weights.some((weight) => weight > 0))
      problems.push(`endpoints.${name}.traffic: at least one version needs a weight above 0`)
    if (rollout !== undefined && traffic !== undefined)
      problems.push(
        `endpoints.${name}: traffic is divided by hand, so it cannot have a rollout too`,
      )
    if (experiment !== undefined && weights.length < 2)
      problems.push(`endpoints.${name}.experiment: it needs traffic with two versions or more`)
    return problems
  })
}

function crossCheckMonitors({ endpoints }: ProjectConfig): string[] {
  return Object.entries(endpoints).flatMap(([name, { monitor }]) =>
    (monitor === undefined ? [] : monitorProblems(monitor)).map(
      (problem) => `endpoints.${name}.monitor.${problem}`,
    ),
  )
}

function crossCheckPolicies(config: ProjectConfig): string[] {
  return Object.entries(config.policies).flatMap(([name, policy]) => {
    const model = /^promote ([^@]+)@/.exec(policy.then ?? '')?.[1]
    const problems = [
      ...triggersOf(policy).flatMap((trigger) => triggerFaults(trigger, config)),
      ...dataProblems(policy, Object.keys(config.endpoints)),
    ]
    if (model !== undefined && !Object.hasOwn(config.models, model))
      problems.push(`there is no model ${model} in this file`)
    return problems.map((problem) => `policies.${name}: ${problem}`)
  })
}

/** Facts that policies tell themselves: who waited for those would wait for itself. */
const OWN_FACTS = /^(policy-(fired|skipped|queued|outcome|gave-up)|schedule-(ticked|missed))$/

function triggerFaults(trigger: Trigger, { endpoints, hooks = {} }: ProjectConfig): string[] {
  if (trigger.kind === 'drift' || trigger.kind === 'performance' || trigger.kind === 'alert') {
    const kinds = Object.keys(FINDING_TYPES)
    const unknown = trigger.kind === 'alert' ? trigger.kinds.filter((k) => !kinds.includes(k)) : []
    return [
      ...(Object.hasOwn(endpoints, trigger.endpoint)
        ? []
        : [`there is no endpoint ${trigger.endpoint} in this file`]),
      ...unknown.map(
        (kind) => `there are no alerts of the kind ${kind}; write ${kinds.join(', ')}`,
      ),
    ]
  }
  if (trigger.kind === 'schedule') return [scheduleFault(trigger) ?? []].flat()
  if (trigger.kind === 'webhook' && !Object.hasOwn(hooks, trigger.hook))
    return [
      `there is no hook ${trigger.hook} in this file; write hooks: { ${trigger.hook}: { from: github, secret: NAME_OF_A_VARIABLE } }`,
    ]
  if (trigger.kind === 'event' && OWN_FACTS.test(trigger.type))
    return [
      `it cannot wait for ${trigger.type}, which policies tell themselves; wait for policy-run-finished`,
    ]
  return []
}
