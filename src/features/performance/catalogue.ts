import type { Task } from './tasks.ts'

/** Where good lies: up, down, or at a number. */
export type Better = 'higher' | 'lower' | number

/** The metrics of each task, and which way is better. Rankings add the place: `ndcg@10`. */
export const METRICS: Readonly<Record<Task, Readonly<Record<string, Better>>>> = {
  binary: {
    accuracy: 'higher',
    balanced_accuracy: 'higher',
    precision: 'higher',
    recall: 'higher',
    specificity: 'higher',
    npv: 'higher',
    fpr: 'lower',
    fnr: 'lower',
    f1: 'higher',
    f2: 'higher',
    f05: 'higher',
    mcc: 'higher',
    kappa: 'higher',
    roc_auc: 'higher',
    gini: 'higher',
    average_precision: 'higher',
    ks: 'higher',
    lift_10: 'higher',
    gain_10: 'higher',
    log_loss: 'lower',
    brier: 'lower',
    ece: 'lower',
    mce: 'lower',
    ace: 'lower',
    calibration_difference: 0,
    calibration_slope: 1,
    calibration_intercept: 0,
    selection_rate: 'higher',
    event_rate: 'higher',
  },
  multiclass: {
    accuracy: 'higher',
    balanced_accuracy: 'higher',
    mcc: 'higher',
    kappa: 'higher',
    precision_macro: 'higher',
    recall_macro: 'higher',
    f1_macro: 'higher',
    precision_micro: 'higher',
    recall_micro: 'higher',
    f1_micro: 'higher',
    precision_weighted: 'higher',
    recall_weighted: 'higher',
    f1_weighted: 'higher',
    log_loss: 'lower',
    brier: 'lower',
    ece: 'lower',
    mce: 'lower',
    top_2_accuracy: 'higher',
    top_3_accuracy: 'higher',
    roc_auc_ovr: 'higher',
    roc_auc_ovr_weighted: 'higher',
    roc_auc_ovo: 'higher',
  },
  multilabel: {
    subset_accuracy: 'higher',
    hamming_loss: 'lower',
    jaccard_samples: 'higher',
    precision_micro: 'higher',
    recall_micro: 'higher',
    f1_micro: 'higher',
    precision_macro: 'higher',
    recall_macro: 'higher',
    f1_macro: 'higher',
    precision_weighted: 'higher',
    recall_weighted: 'higher',
    f1_weighted: 'higher',
    precision_samples: 'higher',
    recall_samples: 'higher',
    f1_samples: 'higher',
    roc_auc_macro: 'higher',
    lrap: 'higher',
    coverage_error: 'lower',
    ranking_loss: 'lower',
  },
  regression: {
    me: 0,
    mae: 'lower',
    mse: 'lower',
    rmse: 'lower',
    medae: 'lower',
    max_error: 'lower',
    r2: 'higher',
    explained_variance: 'higher',
    mape: 'lower',
    smape: 'lower',
    wape: 'lower',
    msle: 'lower',
    rmsle: 'lower',
    pinball_10: 'lower',
    pinball_50: 'lower',
    pinball_90: 'lower',
    error_p05: 0,
    error_p50: 0,
    error_p95: 0,
    abs_error_p90: 'lower',
    abs_error_p99: 'lower',
    over_share: 'lower',
    under_share: 'lower',
    pearson: 'higher',
    spearman: 'higher',
    kendall: 'higher',
  },
  ranking: {
    ndcg: 'higher',
    ndcg_exp: 'higher',
    precision: 'higher',
    recall: 'higher',
    hit_rate: 'higher',
    map: 'higher',
    mrr: 'higher',
  },
}

/** What a metric is called for short, where the task says which is meant. */
const SHORT: Readonly<Record<Task, Readonly<Record<string, string>>>> = {
  binary: { auc: 'roc_auc', pr_auc: 'average_precision', tpr: 'recall', tnr: 'specificity' },
  multiclass: {
    precision: 'precision_macro',
    recall: 'recall_macro',
    f1: 'f1_macro',
    roc_auc: 'roc_auc_ovr',
  },
  multilabel: {
    accuracy: 'subset_accuracy',
    precision: 'precision_macro',
    recall: 'recall_macro',
    f1: 'f1_macro',
    jaccard: 'jaccard_samples',
    roc_auc: 'roc_auc_macro',
  },
  regression: { r_squared: 'r2', bias: 'me', median_error: 'error_p50' },
  ranking: {},
}

/** The metric that says most of a task at a glance. */
export const MAIN: Readonly<Record<Task, string>> = {
  binary: 'roc_auc',
  multiclass: 'f1_macro',
  multilabel: 'f1_macro',
  regression: 'rmse',
  ranking: 'ndcg',
}

/** Rankings are looked at to this place, when none is said. */
export const K = 10

/** The full name of a metric of a task; undefined when the task has no such metric. */
export function metricOf(task: Task, name: string, k: number = K): string | undefined {
  const known = SHORT[task][name] ?? name
  if (task !== 'ranking') return Object.hasOwn(METRICS[task], known) ? known : undefined
  const [base = '', place = String(k)] = known.split('@')
  const isKnown = Object.hasOwn(METRICS.ranking, base) && /^[1-9]\d{0,3}$/.test(place)
  return isKnown ? `${base}@${place}` : undefined
}

export function betterOf(task: Task, metric: string): Better {
  return METRICS[task][metric.split('@')[0] ?? ''] ?? 'higher'
}
