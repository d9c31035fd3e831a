import { Value } from 'typebox/value'
import { parseDocument } from 'yaml'
import { modelUriPattern, ProjectConfigSchema, withDefaults, type ProjectConfig } from '#projects'

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
  return [...crossCheckPolicies(config), ...crossCheckTraffic(config)]
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

function crossCheckPolicies(config: ProjectConfig): string[] {
  return Object.entries(config.policies).flatMap(([name, policy]) => {
    const watched = policy.on.map((trigger) => trigger.drift ?? trigger.performance ?? '')
    const missing = watched.filter((endpoint) => !Object.hasOwn(config.endpoints, endpoint))
    const model = /^promote ([^@]+)@/.exec(policy.then ?? '')?.[1]
    const problems = missing.map(
      (endpoint) => `policies.${name}: there is no endpoint ${endpoint} in this file`,
    )
    if (model !== undefined && !Object.hasOwn(config.models, model))
      problems.push(`policies.${name}: there is no model ${model} in this file`)
    return problems
  })
}
