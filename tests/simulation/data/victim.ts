import { openWorkspace } from '#app/project/workspace'

// One verb in a project, to be killed: it says when the work begins and when it is done.

const [root = '', verb = ''] = process.argv.slice(2)
const { data, pipelines, upkeep } = openWorkspace(root, {
  variables: process.env,
  environments: root,
  waitSeconds: 20,
})

const VERBS: Readonly<Record<string, () => Promise<unknown>>> = {
  add: () => data.add(['data', 'tool.sh']),
  push: () => data.push(),
  pull: () => data.pull(),
  checkout: () => data.checkout(),
  repro: () => pipelines.repro({ targets: ['dvc.yaml'] }),
  gc: () => upkeep.collect({}, { forGood: true }),
}

process.stdout.write('begin\n')
await VERBS[verb]?.()
process.stdout.write('done\n')
