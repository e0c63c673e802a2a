"""Every public action is keyword-only, takes an actor, asks `require` and writes `record`: or says here why not."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

import pytest
from django.apps import apps

NOT_AUDITED = {
    "accounts.actions.tokens.create_run_token": "the run's rows tell of it; it can do that run's work and nothing else",
    "accounts.actions.tokens.end_run_token": "the run is over, which its rows tell",
    "accounts.actions.tokens.trade_token": "the issuer of the settings has vouched for the run; it is recorded",
    "accounts.actions.people.found_portal": "nobody is there yet who could be asked; refused once there is an admin",
    "accounts.actions.people.end_membership": "the last step of leaving a team, which has asked; it is recorded",
    "accounts.actions.single_sign_on.admit": "the provider has said who it is; what it changes is recorded",
    "accounts.actions.single_sign_on.break_glass": "the link was made by who has the server; it is recorded",
    "accounts.actions.single_sign_on.claim_identity": "work of a worker; its row tells it",
    "accounts.actions.single_sign_on.confirm": "the provider vouched again; what it changes is recorded",
    "accounts.actions.single_sign_on.due_identities": "reads what the coordinator has to do",
    "accounts.actions.single_sign_on.give_rights": "part of admit and confirm; each right is recorded",
    "accounts.actions.single_sign_on.let_rest": "the provider vouches no more; it is recorded",
    "accounts.actions.single_sign_on.outlived": "asks nothing and changes nothing; part of the coordinator's round",
    "artifacts.actions.add_files": "evidence; the action of the app that owns the tree asks",
    "artifacts.actions.copy_files": "evidence; the action of the app that owns the tree asks",
    "artifacts.actions.create_tree": "evidence; the action of the app that owns the tree asks",
    "artifacts.actions.look_after_store": "evidence: how the place answered; it removes what nobody can ask for",
    "artifacts.actions.cut_trees": "the action of the app whose rule it follows asks and records",
    "artifacts.actions.note_strays": "bytes that the database never knew; nobody could ask for them",
    "artifacts.actions.note_unneeded": "bytes that nothing names any more; who took the last name from them has asked",
    "artifacts.actions.sweep": "bytes that nothing names any more; who took the last name from them has asked",
    "artifacts.actions.whole_store": "changes nothing; it keeps bytes from being removed",
    "artifacts.actions.drop_parts": "evidence on its way; the door has asked who sends it",
    "artifacts.actions.put_blob": "the database that names it is restored whole, with its history",
    "artifacts.actions.put_file": "evidence; the action of the app that owns the tree asks",
    "artifacts.actions.remove_files": "evidence; the action of the app that owns the tree asks",
    "artifacts.actions.put_part": "evidence on its way; the door has asked who sends it",
    "artifacts.actions.publish": "written by the app that owns what it tells, which is recorded there",
    "artifacts.actions.seal": "evidence; the action of the app that owns the tree asks",
    "audit.actions.shift_transactions": "history is restored whole; only what the server counts by is moved",
    "catalog.actions.decisions.check_as_open": "only refuses; part of actions that ask and record",
    "catalog.actions.decisions.check_open": "only refuses; part of actions that ask and record",
    "catalog.actions.imported_facts.write_facts": "part of import_file, which has asked; each change is recorded",
    "catalog.actions.nightly.keep_dates": "time needs no permission; each thing that comes due is recorded",
    "catalog.actions.needs.sync_discovered": "evidence: what segment runs report; nobody said it",
    "lineage.actions.tell": "evidence, told by other products",
    "notifications.actions.choices.choose_mail": "a person's own taste concerns nobody else",
    "notifications.actions.deliveries.claim_delivery": "work of a worker; its row tells it",
    "notifications.actions.deliveries.finish_delivery": "work of a worker, fenced by the try; its rows are the log",
    "notifications.actions.deliveries.take_back": "a lost lease; its row tells it",
    "notifications.actions.reading.read_outbox": "the coordinator carries on what people did",
    "platforms.actions.look_after": "evidence: how a platform answered; it changes no definition",
    "notifications.actions.reading.shift_cursor": "moves with the numbers that a restored history is counted by",
    "platforms.actions.note_heard": "evidence: how far a platform's own history was read",
    "platforms.actions.test_connection": "evidence: how a platform answered; it changes no definition",
    "registry.actions.aliases.guard_deletion": "asked before a deletion, which asks; what it refuses is recorded",
    "registry.actions.aliases.guard_rename": "asked before a renaming, which asks; what it refuses is recorded",
    "registry.actions.aliases.protects": "asks nothing and changes nothing; part of actions that do",
    "registry.actions.aliases.refuse_if_protected": "a check of actions that have asked",
    "registry.actions.aliases.refuse_way_round": "only refuses; whoever tried is recorded",
    "registry.actions.applying.apply_stage": "the second half of propose, approve and advance, which have asked",
    "registry.actions.applying.evaluate_anew": "evidence; asked for by actions that require",
    "registry.actions.applying.move_aliases": "the last step of promotion and rollback, which have asked",
    "registry.actions.baselines.register_baseline": "register_version asks and records, for each segment",
    "registry.actions.consumption.count_download": "a counter",
    "registry.actions.consumption.count_resolved": "a counter",
    "registry.actions.consumption.report_serving": "a counter",
    "registry.actions.consumption.write_uses": "a counter",
    "registry.actions.evaluations.ask_for": "evidence; asked for by actions that require",
    "registry.actions.evaluations.claim_evaluations": "work of the evaluator; its row tells it",
    "registry.actions.evaluations.fail_evaluations": "evidence, fenced by the attempt",
    "registry.actions.evaluations.finish_evaluations": "evidence, fenced by the attempt",
    "registry.actions.evaluations.release_evaluations": "work of the evaluator; its row tells it",
    "registry.actions.evaluations.renew_evaluations": "a heartbeat",
    "registry.actions.evaluations.ring_for": "a doorbell",
    "registry.actions.freezes.refuse_while_frozen": "only refuses; part of actions that ask and record",
    "registry.actions.models.refuse_while_promoted": "a check of actions that have asked",
    "registry.actions.promotions.expire_waves": "time needs no permission; each wave that expires is recorded",
    "registry.actions.proposals.check_plan": "only refuses; part of propose, which asks and records",
    "registry.actions.proposals.create_wave": "the first half of propose, which asks and records",
    "registry.actions.protection.check_alias_name": "asks nothing and changes nothing; part of actions that do",
    "registry.actions.protection.check_aliases": "asks nothing and changes nothing; part of actions that do",
    "registry.actions.protection.set_protected_aliases": "part of creating and changing a family, which asks",
    "registry.actions.rollbacks.check_reason": "only refuses; part of actions that ask and record",
    "registry.actions.rollbacks.go_back": "the second half of rollback, restore and undo, which have asked",
    "registry.actions.snapshots.publish_snapshots": "shows what was recorded when it changed",
    "registry.actions.snapshots.want_all_snapshots": "shows what was recorded when it changed",
    "registry.actions.snapshots.want_snapshot": "part of actions that move aliases, which record",
    "registry.actions.stages.advance_waves": "carries on what was approved and measured; each stage is recorded",
    "registry.actions.keeping.let_go_of_files": "part of the family's rule of retention, which asks and records",
    "retention.actions.cut_more": "acts as who set the rule, who is asked for and recorded",
    "retraining.actions.keeping.cut_attempts": "part of the family's rule of retention, which asks and records",
    "retraining.actions.keeping.cut_logs": "part of the family's rule of retention, which asks and records",
    "retraining.actions.approving.expire_requests": "time needs no permission; each request that expires is recorded",
    "retraining.actions.requests.begin": "the second half of submitting and approving, which have asked",
    "retraining.actions.requests.refuse_now": "only refuses; part of actions that ask and record",
    "retraining.actions.attempts.claim": "work of a worker; attempts are rows",
    "retraining.actions.attempts.close_tracking": "evidence, fenced by the attempt",
    "retraining.actions.attempts.finish": "evidence, fenced by the attempt",
    "retraining.actions.attempts.refuse": "work of a worker; the row keeps the reason",
    "retraining.actions.attempts.renew": "a heartbeat",
    "retraining.actions.attempts.run_token": "part of claim and of lend_run_token; the run's rows tell of it",
    "retraining.actions.attempts.take_back": "a lost lease; attempts are rows",
    "retraining.actions.discovery.discover_usage": "evidence: what segment runs report; nobody said it",
    "retraining.actions.fan_out.coordinate": "the coordinator carries on what people asked for",
    "retraining.actions.fan_out.drive": "the coordinator carries on what people asked for",
    "retraining.actions.fan_out.follow_up": "the coordinator carries on what people asked for",
    "retraining.actions.firing.watch_policies": "acts as the policies' owners, through verbs that ask and record",
    "retraining.actions.outside.note_accepted": "evidence, fenced by the attempt",
    "retraining.actions.outside.note_end_asked": "evidence, fenced by the attempt",
    "retraining.actions.outside.note_log": "evidence, fenced by the attempt",
    "retraining.actions.outside.note_state": "a heartbeat",
    "retraining.actions.outside.note_unchanged": "a heartbeat",
    "retraining.actions.outside.put_off": "a heartbeat",
    "retraining.actions.outside.take_due": "work of a worker; attempts are rows",
    "retraining.actions.pipelines.note_workflow": "evidence: what a platform says of its own workflow",
    "retraining.actions.signals.receive_signal": "evidence, which has asked; what follows from it is recorded",
    "retraining.actions.signals.settle_signals": "time has passed; an incident that begins is recorded",
    "retraining.actions.workers.note_worker": "a heartbeat",
    "retraining.actions.workers.note_worker_stopped": "a heartbeat",
    "transfers.actions.ask_for_files": "part of registering the version, which has asked; recorded there",
    "transfers.actions.claim_transfer": "work of a worker; its row tells it",
    "transfers.actions.finish": "work of a worker, fenced by the try; registering is recorded",
    "transfers.actions.give_up": "work of a worker, fenced by the try; failing is recorded",
    "transfers.actions.register_from_elsewhere": "create_version asks and records",
    "transfers.actions.renew": "a heartbeat",
    "transfers.actions.take_back": "a lost lease; its row tells it",
    "tracking.actions.experiments.move_experiment": "part of handing over what it belongs to, which has asked",
    "tracking.actions.experiments.restrict_experiment": "part of restricting what it belongs to, which has asked",
    "tracking.actions.experiments.tag_experiment": "evidence",
    "tracking.actions.experiments.untag_experiment": "evidence",
    "tracking.actions.keeping.thin_histories": "part of the family's rule of retention, which asks and records",
    "tracking.actions.files.check_model_file": "asks only; part of an upload that comes in parts",
    "tracking.actions.files.check_run_file": "asks only; part of an upload that comes in parts",
    "tracking.actions.files.check_upload_file": "asks only; part of an upload that comes in parts",
    "tracking.actions.files.put_model_file": "evidence",
    "tracking.actions.files.put_run_file": "evidence",
    "tracking.actions.files.put_upload_file": "evidence",
    "tracking.actions.files.remove_model_files": "evidence",
    "tracking.actions.files.remove_run_files": "evidence",
    "tracking.actions.files.remove_upload_files": "evidence",
    "tracking.actions.logged_models.create_logged_model": "evidence",
    "tracking.actions.logged_models.delete_logged_model": "evidence",
    "tracking.actions.logged_models.finalize_logged_model": "evidence",
    "tracking.actions.logged_models.log_model_params": "evidence",
    "tracking.actions.logged_models.tag_logged_model": "evidence",
    "tracking.actions.logged_models.untag_logged_model": "evidence",
    "tracking.actions.reporting.delete_tag": "evidence",
    "tracking.actions.reporting.log_batch": "evidence",
    "tracking.actions.reporting.log_inputs": "evidence",
    "tracking.actions.reporting.log_metrics": "evidence",
    "tracking.actions.reporting.log_outputs": "evidence",
    "tracking.actions.reporting.log_params": "evidence",
    "tracking.actions.runs.close_run": "evidence",
    "tracking.actions.runs.create_run": "evidence",
    "tracking.actions.runs.import_run": "evidence",
    "tracking.actions.runs.open_run": "evidence",
    "tracking.actions.runs.update_run": "evidence",
}
"""Public functions of actions that write evidence or carry work on, each with the reason why it is not audited."""

Action = tuple[str, Callable[..., object]]


def modules() -> Iterator[ModuleType]:
    for config in apps.get_app_configs():
        if not config.name.startswith("apps."):
            continue
        try:
            root = import_module(f"{config.name}.actions")
        except ModuleNotFoundError:
            continue
        yield root
        for info in pkgutil.iter_modules(getattr(root, "__path__", [])):
            yield import_module(f"{root.__name__}.{info.name}")


def actions() -> list[Action]:
    found = {}
    for module in modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                found[f"{module.__name__.removeprefix('apps.')}.{name}"] = inspect.unwrap(function)
    return sorted(found.items())


def audited() -> list[Action]:
    return [
        (name, function) for name, function in actions() if name not in NOT_AUDITED and not name.startswith("audit.")
    ]


def names(found: list[Action]) -> list[str]:
    return [name for name, _ in found]


@pytest.mark.parametrize(("name", "function"), actions(), ids=names(actions()))
def test_an_action_takes_keywords_only(name: str, function: Callable[..., object]) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}, (
        f"{name} takes positional arguments"
    )


@pytest.mark.parametrize(("name", "function"), audited(), ids=names(audited()))
def test_an_action_has_an_actor_asks_and_records(name: str, function: Callable[..., object]) -> None:
    body = "".join(sources(function, set()))
    assert "actor" in inspect.signature(function).parameters, f"{name} has no actor"
    assert "require(" in body, f"{name} asks nobody's permission"
    assert "record(" in body or "record_many(" in body, f"{name} leaves no trace"


def test_every_exception_still_exists() -> None:
    assert set(NOT_AUDITED) <= set(names(actions()))


def sources(function: Callable[..., object], seen: set[str]) -> Iterator[str]:
    """The function's own lines, and those of what it names in its own app's actions, all the way down."""
    function = inspect.unwrap(function)
    home = ".".join(function.__module__.split(".")[:3])
    yield inspect.getsource(function)
    for name in function.__code__.co_names:
        named = function.__globals__.get(name)
        if inspect.isfunction(named) and named.__module__.startswith(home) and name not in seen:
            seen.add(name)
            yield from sources(named, seen)
