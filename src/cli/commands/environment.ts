import { command } from '../command.ts'

const ACTIONS = new Set(['list', 'show', 'build', 'prune'])

export const environment = command({
  command: 'environment [action] [name]',
  describe: 'Build what stages run in, once, and show it; list, show, build or prune',
  builder: (argv) =>
    argv
      .positional('action', {
        type: 'string',
        describe: 'list, show, build or prune; without it, or with a name, build',
      })
      .positional('name', {
        type: 'string',
        describe: "As orrery.yaml has it under environments; without it the project's own",
      })
      .option('offline', {
        type: 'boolean',
        default: false,
        describe: 'Build from what this machine has kept; ask no index',
      })
      .option('packages', {
        type: 'boolean',
        default: false,
        describe: 'With every package and its version',
      })
      .option('limit', { type: 'number', default: 50, describe: 'Rows of a page of the list' })
      .option('after', { type: 'string', describe: 'The key that the page before ended with' })
      .option('unused', {
        type: 'string',
        default: '30d',
        describe: 'Prune what nobody has used for so long',
      })
      .option('yes', {
        type: 'boolean',
        default: false,
        describe: 'Prune; without it, only what would go is shown',
      })
      .example('$0 environment', "build the project's own, or find it built")
      .example('$0 environment build torch --offline', 'one of several, from the cache')
      .example('$0 environment list', 'what the project declares and this machine has built')
      .example('$0 environment prune --unused 90d --yes', 'free what nobody used for long'),
  handler: async (flags) => {
    const shelf = await import('../environments.ts')
    const { action = 'build', name } = flags
    if (!ACTIONS.has(action)) return shelf.build(action, { ...flags, extra: name })
    if (action === 'list') return shelf.list(flags)
    if (action === 'show') return shelf.show(name, flags)
    return action === 'prune' ? shelf.pruned(flags) : shelf.build(name, flags)
  },
})
