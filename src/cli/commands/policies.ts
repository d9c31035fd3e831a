import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

export const policies = command({
  command: 'policies [action] [name]',
  describe:
    'What policies did; also list, show NAME, test NAME, next, decisions, cancel RUN (a NAME is PROJECT/POLICY)',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: ['runs', 'list', 'show', 'test', 'next', 'decisions', 'cancel'] as const,
        default: 'runs' as const,
      })
      .positional('name', {
        type: 'string',
        describe: 'PROJECT/POLICY, or POLICY where only one project has it; for cancel a run',
      })
      .option('at', { type: 'string', describe: 'For test: when, as 2026-03-29T02:00:00Z' })
      .option('reason', { type: 'string', alias: 'm', describe: 'For cancel: why' })
      .option('project', { type: 'string', describe: 'Only of this project' })
      .option('state', { type: 'string', describe: 'For runs: for example running or queued' })
      .option('limit', { type: 'number', default: 20 })
      .option('before', { type: 'string', describe: 'For runs and decisions: the next page' })
      .option('after', { type: 'string', describe: 'For list: the next page' })
      .example('$0 policies list', 'what sets policies off, and when they are due')
      .example('$0 policies test flights/nightly', 'says what would happen and why')
      .example('$0 policies decisions', 'what was decided, in sentences'),
  handler: async (flags) => {
    const { showPolicies } = await import('../policies/index.ts')
    await showPolicies(flags)
  },
})

export const trigger = command({
  command: 'trigger <name>',
  describe: 'Set a policy off by hand, and say what it decided: trigger PROJECT/POLICY',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('name', { type: 'string', demandOption: true, describe: 'PROJECT/POLICY' })
      .option('set-param', {
        alias: 'S',
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Change a parameter: -S train.depth=5',
      })
      .option('reason', { type: 'string', alias: 'm', describe: 'Why, for the ledger' })
      .option('rev', { type: 'string', describe: 'A branch, a tag or a commit to run' })
      .option('key', { type: 'string', describe: 'Two calls with one key are one call' }),
  handler: async (flags) => {
    const { triggerPolicy } = await import('../policies/trigger.ts')
    await triggerPolicy(flags)
  },
})
