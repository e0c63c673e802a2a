"""Every harm that must lose nothing, and the test that does it; those elsewhere need no whole portal.

- kill -9 of a worker, at random moments of 300 segment runs:
  faults/test_workers.py::test_workers_killed_at_random_moments_of_three_hundred_runs_change_nothing_but_the_time
  faults/test_workers.py::test_a_worker_whose_main_process_alone_is_killed_leaves_nothing_twice
- kill -9 of the whole pool and of beat, the fan-out half sent:
  faults/test_workers.py::test_everything_killed_while_the_fan_out_is_half_sent_is_taken_up_again
- the broker emptied, restarted, away for half a minute, while submitting and running:
  faults/test_workers.py::test_a_broker_emptied_and_restarted_loses_nothing
  faults/test_workers.py::test_a_broker_that_is_away_for_half_a_minute_loses_nothing_not_even_what_is_sent_meanwhile
- PostgreSQL crashes, connections are dropped; web answers 503 and recovers:
  faults/test_workers.py::test_a_postgresql_that_crashes_and_recovers_loses_nothing
  faults/test_workers.py::test_dropped_database_connections_lose_nothing
  faults/test_promotions.py::test_web_and_database_die_while_an_approval_moves_champions
- the same message twice, late, out of order; a worker that comes back late:
  faults/test_workers.py::test_messages_that_come_twice_late_and_out_of_order_are_harmless
  faults/test_workers.py::test_a_frozen_worker_that_comes_back_late_changes_nothing
  faults/test_workers.py::test_a_thawed_worker_changes_nothing_of_the_attempt_that_took_over
- workers and coordinator die while a promotion is evaluated and moves champions:
  faults/test_promotions.py::test_workers_and_coordinator_die_while_a_wave_is_evaluated_and_moves
- two people press the same button at the same moment:
  faults/test_same_button.py::test_a_request_for_a_tool_is_withdrawn_once
  faults/test_same_button.py::test_a_result_that_two_workers_hand_in_counts_once_and_is_sent_again_once
  faults/test_same_button.py::test_whoever_lost_a_delivery_hands_in_nothing_of_the_try_that_took_over
  retraining/test_races.py::test_a_request_is_cancelled_once
  retraining/test_races.py::test_what_failed_is_retried_once
  retraining/test_approving.py::test_of_answers_at_the_same_moment_one_counts
  registry/test_races.py::test_whatever_eight_people_do_at_once_the_registry_stays_true
- a platform is down, slow, answers garbage, forgets a run:
  airflow/test_airflow_3.py::test_a_fleet_goes_through_it_whatever_is_killed_and_each_city_runs_once
  platforms/contract.py::test_in_trouble_it_says_nothing_about_its_runs
  platforms/contract.py::test_a_run_that_nobody_knows_has_no_state
- disk full, an upload cut off in the middle, a wrong digest:
  artifacts/test_actions.py::test_a_full_disk_leaves_the_tree_as_it_was
  artifacts/test_stores.py::test_an_upload_cut_off_in_the_middle_leaves_nothing
  artifacts/test_stores.py::test_damaged_bytes_are_never_handed_out_whole
- a script that hangs, forks, eats memory, prints 100 MB, dies by SIGSEGV:
  platforms/test_local.py::test_a_script_that_hangs_is_ended_at_its_time_limit
  platforms/test_local.py::test_forked_and_hidden_processes_are_gone_when_the_run_returns
  platforms/test_local.py::test_a_script_that_eats_memory_is_ended_also_when_its_children_share_the_meal
  platforms/test_local.py::test_a_hundred_megabytes_of_output_are_cut_to_their_end
  platforms/test_local.py::test_a_real_segmentation_fault_does_not_hurt_the_next_run
- kill -9 while a family's rule of retention removes what it keeps no longer, or while bytes leave the store:
  faults/test_retention.py::test_a_cut_that_is_killed_leaves_nothing_half_and_goes_on
  artifacts/test_removing.py::test_a_killed_sweep_that_has_removed_bytes_is_done_again
- a deploy (SIGTERM):
  faults/test_workers.py::test_a_deploy_ends_what_runs_and_repeats_nothing
"""
