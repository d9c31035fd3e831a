import type { Json } from '#base/json'

const model = { name: 'example_model' }
const prompt = { name: 'example_prompt' }
const version = { version: '1' }
const key = { key: 'example_key' }
const value = { value: 'example_value' }
const alias = { alias: 'example_alias' }
const tags = { tags: { example_key: 'example_value' } }

/** Every event of MLflow's webhooks with the data that a test of it sends. */
export const EXAMPLES = {
  'registered_model.created': { ...model, ...tags, description: 'An example registered model' },
  'model_version.created': {
    ...model,
    ...version,
    source: 'models:/123',
    run_id: 'abcd1234abcd5678',
    ...tags,
    description: 'An example model version',
  },
  'model_version_tag.set': { ...model, ...version, ...key, ...value },
  'model_version_tag.deleted': { ...model, ...version, ...key },
  'model_version_alias.created': { ...model, ...alias, ...version },
  'model_version_alias.deleted': { ...model, ...alias },
  'prompt.created': { ...prompt, ...tags, description: 'An example prompt' },
  'prompt_version.created': {
    ...prompt,
    ...version,
    template: 'Hello {{name}}!',
    ...tags,
    description: 'An example prompt version',
  },
  'prompt_tag.set': { ...prompt, ...key, ...value },
  'prompt_tag.deleted': { ...prompt, ...key },
  'prompt_version_tag.set': { ...prompt, ...version, ...key, ...value },
  'prompt_version_tag.deleted': { ...prompt, ...version, ...key },
  'prompt_alias.created': { ...prompt, ...alias, ...version },
  'prompt_alias.deleted': { ...prompt, ...alias },
  // Never happens here: there is no gateway that spends.
  'budget_policy.exceeded': {
    budget_policy_id: 'bp-abc123',
    budget_unit: 'USD',
    budget_amount: 100,
    current_spend: 105.5,
    duration_unit: 'MONTHS',
    duration_value: 1,
    target_scope: 'ENDPOINT',
    workspace: 'default',
    target_value: 'ep-abc123',
    window_start: 1_704_067_200_000,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Json>>>>

export type MlflowEvent = keyof typeof EXAMPLES

export function isMlflowEvent(event: string): event is MlflowEvent {
  return Object.hasOwn(EXAMPLES, event)
}
