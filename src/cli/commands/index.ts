import type { Command } from '../command.ts'

/** Every command by its word, in the order of the help. A command is loaded only when it is called. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./init.ts')).init,
  add: async () => (await import('./add.ts')).add,
  status: async () => (await import('./status.ts')).status,
  diff: async () => (await import('./diff.ts')).diff,
  data: async () => (await import('./data.ts')).data,
  checkout: async () => (await import('./checkout.ts')).checkout,
  push: async () => (await import('./push.ts')).push,
  pull: async () => (await import('./pull.ts')).pull,
  remove: async () => (await import('./remove.ts')).remove,
  rm: async () => (await import('./remove.ts')).remove,
  move: async () => (await import('./move.ts')).move,
  mv: async () => (await import('./move.ts')).move,
  commit: async () => (await import('./commit.ts')).commit,
  unprotect: async () => (await import('./unprotect.ts')).unprotect,
  'check-ignore': async () => (await import('./check-ignore.ts')).checkIgnore,
  remote: async () => (await import('./remote.ts')).remote,
  config: async () => (await import('./config.ts')).config,
  cache: async () => (await import('./cache.ts')).cache,
  root: async () => (await import('./root.ts')).root,
  profile: async () => (await import('./profile.ts')).profile,
  validate: async () => (await import('./validate.ts')).validate,
  repro: async () => (await import('./repro.ts')).repro,
  environment: async () => (await import('./environment.ts')).environment,
  experiments: async () => (await import('./experiments.ts')).experiments,
  runs: async () => (await import('./runs.ts')).runs,
  models: async () => (await import('./models.ts')).models,
  history: async () => (await import('./history.ts')).history,
  trace: async () => (await import('./trace.ts')).trace,
  convert: async () => (await import('./convert.ts')).convert,
  alias: async () => (await import('./alias.ts')).alias,
  promote: async () => (await import('./promote.ts')).promote,
  endpoint: async () => (await import('./endpoint.ts')).endpoint,
  endpoints: async () => (await import('./endpoints.ts')).endpoints,
  rollout: async () => (await import('./rollout.ts')).rollout,
  traffic: async () => (await import('./rollout.ts')).traffic,
  predict: async () => (await import('./predict.ts')).predict,
  replay: async () => (await import('./replay.ts')).replay,
  serve: async () => (await import('./serve.ts')).serve,
  package: async () => (await import('./package.ts')).packageCommand,
  explain: async () => (await import('./explain.ts')).explain,
  feedback: async () => (await import('./feedback.ts')).feedback,
  alerts: async () => (await import('./alerts.ts')).alerts,
  policies: async () => (await import('./policies.ts')).policies,
  delete: async () => (await import('./delete.ts')).deleteCommand,
  trash: async () => (await import('./trash.ts')).trash,
  hold: async () => (await import('./hold.ts')).hold,
  fsck: async () => (await import('./fsck.ts')).fsck,
  gc: async () => (await import('./gc.ts')).gc,
  audit: async () => (await import('./audit.ts')).audit,
  webhooks: async () => (await import('./webhooks.ts')).webhooks,
  import: async () => (await import('./import.ts')).importCommand,
  export: async () => (await import('./export.ts')).exportCommand,
  migrate: async () => (await import('./migrate.ts')).migrate,
  up: async () => (await import('./up.ts')).up,
  doctor: async () => (await import('./doctor.ts')).doctor,
  project: async () => (await import('./project.ts')).project,
}

/** The command of that word alone; all of them where the word is none, to list and to suggest. */
export async function commandsFor(word: string | undefined): Promise<Command[]> {
  const named = word !== undefined && Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined
  const wanted = named === undefined ? Object.values(COMMANDS) : [named]
  // A command with two words is one command.
  return [...new Set(await Promise.all(wanted.map((load) => load())))]
}
