"""Choose a classifier and its settings, on iris."""

import optuna
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)


def objective(trial):
    name = trial.suggest_categorical("classifier", ["SVC", "RandomForest"])
    if name == "SVC":
        c = trial.suggest_float("svc_c", 1e-10, 1e10, log=True)
        classifier = SVC(C=c, gamma="auto")
    else:
        depth = trial.suggest_int("rf_max_depth", 2, 32, log=True)
        classifier = RandomForestClassifier(max_depth=depth, n_estimators=5, random_state=0)
    return cross_val_score(classifier, X, y, cv=3).mean()


study = optuna.create_study(
    direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0), study_name="iris"
)
study.optimize(objective, n_trials=20, timeout=120)

assert study.direction == optuna.study.StudyDirection.MAXIMIZE
assert study.best_value > 0.9
assert study.best_value == max(study.trials, key=lambda t: t.value).value
assert {t.params["classifier"] for t in study.trials} == {"SVC", "RandomForest"}
