"""user_profile of the shop window: everything in memory."""

from collections import defaultdict
from datetime import UTC, datetime

import grpc
from refusals import refuse

from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

TOKEN_PREFIX = "tok."
SEEN = (common_pb2.ACTION_VIEW, common_pb2.ACTION_CLICK, common_pb2.ACTION_CART, common_pb2.ACTION_PURCHASE)
AWAY = "user_profile-away"
"""A visitor of this id finds user_profile down."""


class People(user_profile_pb2_grpc.UserProfileServiceServicer):
    def __init__(self):
        self.events = defaultdict(list)
        self.consents = defaultdict(lambda: dict.fromkeys((1, 2, 3), True))
        self.decided = {}

    def subject(self, visit):
        return visit.user_id or visit.session_id

    def hidden(self, subject):
        return self._standing(subject, common_pb2.ACTION_HIDE, common_pb2.ACTION_UNHIDE)

    def cart(self, subject):
        out = (common_pb2.ACTION_UNCART, common_pb2.ACTION_PURCHASE)
        return self._standing(subject, common_pb2.ACTION_CART, *out)

    def _standing(self, subject, put, *taken):
        standing = {}
        for event in self.events[subject]:
            if event.action == put:
                standing[event.item_id] = True
            elif event.action in taken:
                standing.pop(event.item_id, None)
        return list(standing)

    def refused(self, subject):
        return not self.consents[subject][common_pb2.CONSENT_PURPOSE_PERSONALISATION]

    async def RecordEvents(self, request, context):
        versions = {}
        for event in request.events:
            subject = event.user_id or event.session_id
            if subject == AWAY:
                await refuse(context, grpc.StatusCode.UNAVAILABLE, "DATABASE_DOWN", "PostgreSQL cannot be reached")
            if event.tracking_token and not event.tracking_token.startswith(TOKEN_PREFIX):
                await refuse(
                    context,
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "INVALID_REQUEST",
                    "forged token",
                    {"events[0].tracking_token": "the signature does not match"},
                )
            self.events[subject].append(event)
            versions[subject] = len(self.events[subject])
        return user_profile_pb2.RecordEventsResponse(
            recorded_count=len(request.events),
            versions=[
                user_profile_pb2.SubjectVersion(subject_id=subject, profile_version=version)
                for subject, version in versions.items()
            ],
        )

    async def GetProfile(self, request, context):
        subject = self.subject(request.visit)
        if self.refused(subject):
            profile = user_profile_pb2.Profile(
                anonymous=True, anonymous_reason=user_profile_pb2.ANONYMOUS_REASON_REFUSED
            )
            return user_profile_pb2.GetProfileResponse(profile=profile)
        recent = [event for event in reversed(self.events[subject]) if event.item_id]
        return user_profile_pb2.GetProfileResponse(
            profile=user_profile_pb2.Profile(
                anonymous=not self.events[subject],
                recent_actions=[
                    user_profile_pb2.RecentAction(
                        action=event.action, item_id=event.item_id, occurred_at=event.occurred_at
                    )
                    for event in recent
                    if event.action != common_pb2.ACTION_IMPRESSION
                ][: request.recent_action_limit or 50],
                cart_item_ids=list(reversed(self.cart(subject))),
                hidden_item_ids=self.hidden(subject),
                profile_version=len(self.events[subject]),
            )
        )

    async def GetConsent(self, request, context):
        return user_profile_pb2.GetConsentResponse(consents=self._consents(self.subject(request.visit)))

    async def SetConsent(self, request, context):
        subject = self.subject(request.visit)
        for consent in request.consents:
            self.consents[subject][consent.purpose] = consent.granted
        self.decided[subject] = datetime.now(UTC)
        return user_profile_pb2.SetConsentResponse(consents=self._consents(subject))

    def _consents(self, subject):
        answered = []
        for purpose, granted in self.consents[subject].items():
            consent = user_profile_pb2.Consent(purpose=purpose, granted=granted)
            if subject in self.decided:
                consent.decided_at.FromDatetime(self.decided[subject])
            answered.append(consent)
        return answered

    async def ExportUserData(self, request, context):
        if not self.events[request.user_id]:
            await refuse(context, grpc.StatusCode.NOT_FOUND, "USER_UNKNOWN", "nothing is stored about this user")
        for consent in self._consents(request.user_id):
            yield user_profile_pb2.ExportUserDataResponse(consent=consent)
        for event in self.events[request.user_id]:
            yield user_profile_pb2.ExportUserDataResponse(event=event)

    async def DeleteUser(self, request, context):
        if not self.events[request.user_id]:
            await refuse(context, grpc.StatusCode.NOT_FOUND, "USER_UNKNOWN", "nothing is stored about this user")
        count = len(self.events.pop(request.user_id))
        self.consents.pop(request.user_id, None)
        answer = user_profile_pb2.DeleteUserResponse(receipt_id="d-000001", deleted_event_count=count)
        answer.deleted_at.FromDatetime(datetime.now(UTC))
        return answer
