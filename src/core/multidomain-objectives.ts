/**
 * The 23 objectives of the multi-domain reward model, in the order of its regression layer, which itself carries no names
 * (Mario-RC/multidomain-reward-model, `attributes.py`). Four domains, told by the prefix.
 */
export interface DomainObjective {
  readonly name: string;
  readonly group: string;
}

const domains: readonly (readonly [group: string, names: readonly string[]])[] = [
  [
    'coherence',
    [
      'co_discourse_structure',
      'co_logical_consistency',
      'co_mutual_grounding',
      'co_overall_coherence_score',
      'co_temporal_causal_coherence',
      'co_topic_coherence',
    ],
  ],
  ['commonsense', ['cs_causality', 'cs_coherence', 'cs_consistency', 'cs_desire', 'cs_empathy', 'cs_reaction']],
  [
    'empathy',
    [
      'em_emotional_awareness',
      'em_emotional_validation',
      'em_helpful_response',
      'em_overall_empathy_score',
      'em_perspective_taking',
      'em_supportive_engagement',
    ],
  ],
  ['multicultural', ['mu_coherence', 'mu_cultural_specificity', 'mu_cultural_value', 'mu_empathy', 'mu_naturalness']],
];

export const MULTIDOMAIN_OBJECTIVES: readonly DomainObjective[] = domains.flatMap(([group, names]) =>
  names.map((name) => ({ name, group })),
);
