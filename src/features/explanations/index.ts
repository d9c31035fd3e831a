export {
  askedAlone,
  whyOf,
  type Explain,
  type Explanation,
  type ExplanationRequest,
} from './explanation.ts'
export { createExplanations } from './explanations.ts'
export type { Feature, Located, TreeModel } from './model.ts'
export { SPLITS, type Tree, type TreeEnsemble } from './tree.ts'
